"""What training writes for TensorBoard, read back from the event files."""

import io
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from tests.exported_models import tiny_dataset, tiny_layers, write_npz
from training.__main__ import app
from training.errors import TensorBoardError
from training.fitting import loop, tensorboard
from training.fitting.checkpoints import TrainingState
from training.fitting.tensorboard import TensorBoardLog
from training.recipes import RECIPES

SHAPE = (12, 12, 1)
KINDS = ["mnist-lecture-same", "mnist-scopes"]


def _read(folder: Path) -> Any:
    events = EventAccumulator(str(folder), {"tensors": 0})
    events.Reload()
    return events


def _values(folder: Path, tag: str) -> list[tuple[int, float]]:
    found = _read(folder).Tensors(tag)
    return [(one.step, float(tf.make_ndarray(one.tensor_proto))) for one in found]


def _pictures(folder: Path, tag: str) -> list[Any]:
    """Each step's picture: an image summary holds its width, its height and PNGs."""
    arrays = [tf.make_ndarray(one.tensor_proto) for one in _read(folder).Tensors(tag)]
    return [np.asarray(Image.open(io.BytesIO(array[2]))) for array in arrays]


def _fit(name: str, callbacks: list[Any]) -> tuple[Any, TrainingState]:
    recipe = replace(RECIPES[name], epochs=2, batch_size=8)
    console = Console(file=io.StringIO())
    return loop.fit(recipe, tiny_dataset(SHAPE), console, callbacks=callbacks)


@pytest.fixture(scope="module", params=KINDS)
def run(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A Keras or a low-level network trained under a board: name, logs, history, weights."""
    folder = tmp_path_factory.mktemp("logs")
    network, position = _fit(request.param, [TensorBoardLog(folder, tiny_dataset(SHAPE))])
    return request.param, folder, position.history, network.get_weights()


@pytest.mark.parametrize("figure", ["loss", "accuracy"])
def test_scalars_of_both_splits_are_the_history(run: Any, figure: str) -> None:
    _, folder, history, _ = run
    for split, key in (("train", figure), ("validation", f"val_{figure}")):
        epochs, values = zip(*_values(folder / split, figure), strict=True)
        assert epochs == (1, 2)
        assert values == pytest.approx(history[key])


@pytest.mark.parametrize("run", ["mnist-scopes"], indirect=True)
def test_watching_changes_no_weight(run: Any) -> None:
    name, _, _, weights = run
    for one, other in zip(weights, _fit(name, [])[0].get_weights(), strict=True):
        assert (one == other).all()


def test_samples_are_one_validation_image_a_class(run: Any) -> None:
    split = tiny_dataset(SHAPE).validation
    for i, label in enumerate(tiny_dataset(SHAPE).labels):
        (picture,) = _pictures(run[1] / "train", f"samples/{label}")
        first = split.images[split.labels.tolist().index(i)]
        assert (picture.reshape(SHAPE) == first).all()


def test_maps_of_every_epoch_are_drawn_and_change(run: Any) -> None:
    for layer in ("conv1", "pool1", "conv2", "pool2"):
        first, second = _pictures(run[1] / "train", f"maps/{layer}")
        assert first.shape[2] == 3
        assert first.shape != second.shape or (first != second).any()


def test_weights_have_histograms(run: Any) -> None:
    tags = _read(run[1] / "train").Tags()["tensors"]
    assert {"conv1/kernel", "conv2/bias", "dense1/kernel", "output/bias"} <= set(tags)


def test_graph_is_written_with_its_blocks(run: Any) -> None:
    name, folder, _, _ = run
    blocks = Counter(node.name.partition("/")[0] for node in _read(folder / "train").Graph().node)
    if name == "mnist-scopes":
        assert {"Convolution1", "Affine", "Cost_function", "Optimizer", "Prediction"} <= set(blocks)
    else:
        assert set(blocks) == {
            *("images", "labels", "scale", "conv1", "pool1", "conv2", "pool2", "flatten"),
            *("dense1", "output", "logits", "cost", "prediction"),
        }


def test_graph_of_nodes_joins_cost_and_prediction_to_the_labels() -> None:
    drawn = tensorboard.graph(tiny_layers(SHAPE, 3), SHAPE)
    readers = {node.name.partition("/")[0] for node in drawn.node if "labels" in node.input}
    assert readers == {"cost", "prediction"}


def test_command_writes_logs_of_a_network_without_convolutions(tmp_path: Path) -> None:
    write_npz(tmp_path / "mnist.npz")
    places = ["--data", tmp_path, "--models", tmp_path / "models", "--logdir", tmp_path / "logs"]
    result = CliRunner().invoke(app, ["mnist-dense", "--epochs", "1", *map(str, places)])
    assert result.exit_code == 0, result.output
    tags = _read(tmp_path / "logs" / "mnist-dense-1" / "train").Tags()["tensors"]
    assert "loss" in tags
    assert not [tag for tag in tags if tag.startswith("maps/")]


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TensorBoardError, match="No logs can be written"):
        TensorBoardLog(tmp_path / "file", tiny_dataset(SHAPE))


def test_missing_tensorboard_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(TensorBoardError, match="pip install tensorboard"):
        TensorBoardLog(tmp_path, tiny_dataset(SHAPE))
