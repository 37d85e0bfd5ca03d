"""A model is written completely, with a correct manifest, or not at all."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from service.images import tokens
from service.manifest import Manifest, digest
from tests.exported_models import LABELS, tiny_dataset, tiny_layers, tiny_model
from training.errors import ExportError
from training.exporting import golden_inputs, write_model

SHAPE = (12, 12, 1)


def _write(folder: Path) -> Manifest:
    return write_model.export(tiny_layers(SHAPE, 3), tiny_dataset(SHAPE), {}, folder)


def _everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_manifest_on_disk_is_the_one_returned(tiny_models: Path) -> None:
    folder = tiny_models / "tiny-photo" / "1"
    manifest = Manifest.read(folder)
    assert (manifest.name, manifest.version) == ("tiny-photo", 1)
    assert (manifest.input_shape, manifest.preparation) == ((12, 12, 3), "photo")
    assert manifest.labels == LABELS
    assert manifest.digest == digest(folder)
    assert {"tensorflow", "keras", "numpy", "python"} <= set(manifest.libraries)


def test_layers_tell_their_geometry_and_what_feeds_them(tiny_models: Path) -> None:
    manifest = Manifest.read(tiny_models / "tiny-digit" / "1")
    layers = {layer.name: layer for layer in manifest.layers}
    assert " ".join(layers) == "conv1 pool1 conv2 pool2 flatten dense1 dropout output"
    feeding = ["images", *layers][:-1]
    assert [layer.inputs for layer in layers.values()] == [(one,) for one in feeding]
    conv2, pool1 = layers["conv2"], layers["pool1"]
    assert (conv2.kernel, conv2.strides, conv2.padding) == ((3, 3), (2, 2), "VALID")
    assert (conv2.output_shape, conv2.activation) == ((2, 2, 4), "relu")
    assert (conv2.parameters, conv2.formula) == (112, "3·3·3·4 + 4 = 112")
    assert (pool1.kind, pool1.output_shape, pool1.formula) == ("max_pooling", (6, 6, 3), None)


def test_metrics_are_those_of_the_exported_graph_over_all_test_images(tiny_models: Path) -> None:
    manifest = Manifest.read(tiny_models / "tiny-digit" / "1")
    test = tiny_dataset(SHAPE).test
    loaded = tf.saved_model.load(str(tiny_models / "tiny-digit" / "1"))
    run = loaded.signatures["serving_default"]
    rows = run(images=tf.constant(test.images))["probabilities"].numpy().astype(np.float64)
    assert manifest.metrics.accuracy == (rows.argmax(axis=1) == test.labels).mean()
    assert manifest.metrics.images == 24
    loss = -np.log(rows[np.arange(24), test.labels]).mean()
    assert manifest.metrics.loss == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("batch", [500, 7])
def test_statistics_are_over_all_test_images(
    batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_model, "BATCH", batch)
    manifest = _write(tmp_path / "tiny" / "1")
    loaded = tf.saved_model.load(str(tmp_path / "tiny" / "1"))
    run = loaded.signatures["activations"]
    outputs = run(images=tf.constant(tiny_dataset(SHAPE).test.images))
    assert set(manifest.statistics) == {"conv1", "pool1", "conv2", "pool2"}
    for name, statistics in manifest.statistics.items():
        maps = outputs[name].numpy().astype(np.float64)
        flat = maps.reshape(-1, maps.shape[-1])
        assert statistics.zeros == pytest.approx((flat == 0).mean(axis=0))
        assert statistics.minimum == pytest.approx(flat.min(axis=0))
        assert statistics.maximum == pytest.approx(flat.max(axis=0), rel=1e-5)
        assert statistics.mean == pytest.approx(flat.mean(axis=0), rel=1e-5)


def test_dead_map_has_nothing_but_zeros(tiny_models: Path) -> None:
    zeros = Manifest.read(tiny_models / "tiny-digit" / "1").statistics["conv2"].zeros
    assert zeros[3] == 1
    assert max(zeros[:3]) < 1


def test_golden_inputs_are_drawn_at_the_models_shape_and_reproduced(tiny_models: Path) -> None:
    folder = tiny_models / "tiny-photo" / "1"
    manifest = Manifest.read(folder)
    images = np.stack([tokens.decode(one.image, manifest.input_shape) for one in manifest.golden])
    run = tf.saved_model.load(str(folder)).signatures["serving_default"]
    rows = run(images=tf.constant(images))["probabilities"].numpy()
    assert np.abs(rows - [one.probabilities for one in manifest.golden]).max() <= 1e-6


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (5, 9, 3)])
def test_drawings_differ_and_fill_any_shape(shape: tuple[int, int, int]) -> None:
    drawings = golden_inputs.inputs(shape)
    assert {pixels.shape for pixels in drawings.values()} == {shape}
    assert len({pixels.tobytes() for pixels in drawings.values()}) == len(drawings)


def test_version_is_one_after_the_newest(tmp_path: Path) -> None:
    assert write_model.free_version(tmp_path, "tiny", None) == 1
    for name in ("2", "10", ".11.partial-5", "old"):
        (tmp_path / "tiny" / name).mkdir(parents=True)
    assert write_model.free_version(tmp_path, "tiny", None) == 11
    assert write_model.free_version(tmp_path, "tiny", 3) == 3


def test_taken_version_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    tiny_model(tmp_path / "tiny" / "1")
    before = {path: path.stat().st_mtime_ns for path in _everything(tmp_path / "tiny" / "1")}
    with pytest.raises(ExportError, match=r"exists\. Choose another"):
        write_model.free_version(tmp_path, "tiny", 1)
    with pytest.raises(ExportError, match=r"exists\. Choose another"):
        _write(tmp_path / "tiny" / "1")
    assert {
        path: path.stat().st_mtime_ns for path in _everything(tmp_path / "tiny" / "1")
    } == before
    assert [path.name for path in (tmp_path / "tiny").iterdir()] == ["1"]


def test_file_in_the_place_of_the_models_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(ExportError, match="not a folder to write in"):
        write_model.free_version(tmp_path / "models", "tiny", None)
    with pytest.raises(ExportError, match="could not be written"):
        _write(tmp_path / "models" / "tiny" / "1")


@pytest.mark.parametrize("size", [100, 2_000, 20_000])
def test_full_disk_leaves_nothing(size: int, tmp_path: Path) -> None:
    """Limits the size of files, which makes the same writes fail as a full disk does."""
    (tmp_path / "other").mkdir()
    before = _everything(tmp_path)
    with _largest_file(size), pytest.raises(ExportError, match=r"written: File too large\.$"):
        _write(tmp_path / "models" / "tiny" / "1")
    assert _everything(tmp_path) == before


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        assert list(tmp_path.rglob("saved_model.pb")), "the interruption comes after the weights"
        raise KeyboardInterrupt

    monkeypatch.setattr(golden_inputs, "record", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _write(tmp_path / "models" / "tiny" / "1")
    assert _everything(tmp_path) == []
