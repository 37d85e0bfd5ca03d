"""The low-level networks give the same results as the same networks in Keras, also when served."""

import io
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from fastapi.testclient import TestClient
from rich.console import Console

from service.app import create_app
from service.images import tokens
from service.settings import Settings
from tests.exported_models import tiny_dataset
from tests.pictures import save, seven
from training.errors import RecipeError
from training.exporting import from_keras, write_model
from training.fitting import loop
from training.fitting.checkpoints import TrainingState
from training.networks import lecture, lowlevel
from training.networks.lowlevel_adam import Adam
from training.recipes import RECIPES, Recipe

SHAPE = (12, 10, 1)


def _recipe(**changes: Any) -> Recipe:
    recipe = replace(RECIPES["mnist-scopes"], epochs=2, batch_size=8, learning_rate=0.002)
    return replace(recipe, **changes)


def _fit(recipe: Recipe, **options: Any) -> tuple[Any, TrainingState]:
    return loop.fit(recipe, tiny_dataset(SHAPE), Console(file=io.StringIO()), **options)


def _twin(network: lowlevel.Network, shape: tuple[int, int, int]) -> Any:
    """The lecture's Keras network with the same weights."""
    twin = lecture.mnist_lecture_same(shape, 3)
    blocks: tuple[Any, ...] = (
        network.convolution1,
        network.convolution2,
        network.affine,
        network.output,
    )
    for name, block in zip(
        ("conv1", "conv2", "dense1", "output"),
        blocks,
        strict=True,
    ):
        twin.get_layer(name).set_weights([block.kernel.numpy(), block.bias.numpy()])
    return twin


@pytest.fixture(scope="module")
def trained() -> lowlevel.Network:
    network = _fit(_recipe())[0]
    assert isinstance(network, lowlevel.Network)
    return network


@pytest.fixture(scope="module")
def client(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    models = tmp_path_factory.mktemp("models")
    layers = from_keras.convert(trained)
    write_model.export(layers, tiny_dataset(SHAPE), _recipe().describe(), models / "scopes" / "1")
    with TestClient(create_app(Settings(models=models, default_model="scopes"))) as client:
        yield client


@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 14, 3)])
def test_probabilities_are_those_of_the_same_network_in_keras(shape: tuple[int, int, int]) -> None:
    network = lowlevel.mnist_lowlevel(shape, 3)
    images = np.random.default_rng(1).random((5, *shape), np.float32)
    theirs = _twin(network, shape)(images).numpy()
    assert np.abs(network(images).numpy() - theirs).max() < 1e-6


def test_steps_are_those_of_keras() -> None:
    rate = keras.optimizers.schedules.CosineDecay(0.01, 8)
    network = lowlevel.mnist_lowlevel(SHAPE, 3)
    twin = _twin(network, SHAPE)
    split = tiny_dataset(SHAPE).train
    images, labels = split.images.astype(np.float32) / 255, split.labels
    optimizer = Adam(network.trainable_variables, rate)
    twin.compile(keras.optimizers.Adam(rate, epsilon=1e-8), "sparse_categorical_crossentropy")
    for _ in range(4):
        cost, _right = network.train_step(tf.constant(images), tf.constant(labels), optimizer)
        theirs = twin.train_on_batch(images, labels)
        assert float(cost) == pytest.approx(float(theirs), rel=1e-3)
    ours = [network.output.kernel.numpy(), network.output.bias.numpy()]
    for one, other in zip(ours, twin.get_layer("output").get_weights(), strict=True):
        assert np.abs(one - other).max() < 2e-4


def test_scopes_network_has_the_lectures_sizes() -> None:
    shapes = {
        layer.name: layer.weights["kernel"].shape for layer in _weighted(lowlevel.mnist_scopes)
    }
    assert shapes == {
        "conv1": (3, 3, 1, 32),
        "conv2": (3, 3, 32, 64),
        "dense1": (3136, 1024),
        "output": (1024, 10),
    }
    assert _weighted(lowlevel.mnist_lowlevel)[2].weights["kernel"].shape == (3136, 128)


def _weighted(make: Any) -> list[Any]:
    return [layer for layer in make().exported_layers() if layer.weights]


def test_graph_has_the_lectures_blocks_and_no_other() -> None:
    graph = lowlevel.mnist_scopes().graph()
    blocks = {node.name.partition("/")[0] for node in graph.node}
    assert blocks == {
        *("images", "labels", "Convolution1", "Convolution2", "Flatten", "Affine", "Output"),
        *("Cost_function", "Optimizer", "Prediction"),
    }


def test_blocks_of_the_graph_are_joined_as_in_the_lecture() -> None:
    feeding: dict[str, set[str]] = {}
    for node in lowlevel.mnist_scopes().graph().node:
        block = node.name.partition("/")[0]
        sources = {name.lstrip("^").partition("/")[0] for name in node.input}
        feeding.setdefault(block, set()).update(sources - {block})
    assert feeding["Convolution1"] == {"images"}
    assert feeding["Convolution2"] == {"Convolution1"}
    assert feeding["Flatten"] == {"Convolution2"}
    assert feeding["Affine"] == {"Flatten"}
    assert feeding["Output"] == {"Affine"}
    assert feeding["Cost_function"] == feeding["Prediction"] == {"Output", "labels"}
    assert "Cost_function" in feeding["Optimizer"]


def test_first_weights_are_hes_and_glorots_or_the_lectures() -> None:
    ours, lectures = (
        _weighted(lowlevel.mnist_lowlevel),
        _weighted(lowlevel.mnist_lowlevel_stddev1),
    )
    wanted = [(2 / 9) ** 0.5, (2 / 288) ** 0.5, (2 / 3136) ** 0.5, (2 / 138) ** 0.5]
    for layer, one, stddev in zip(ours, lectures, wanted, strict=True):
        assert layer.weights["kernel"].std() == pytest.approx(stddev, rel=0.15), layer.name
        assert one.weights["kernel"].std() == pytest.approx(1.0, rel=0.15), layer.name
        assert not layer.weights["bias"].any()


def test_lectures_first_weights_begin_with_a_cost_of_thousands() -> None:
    split = tiny_dataset((28, 28, 1)).train
    images, labels = tf.constant(split.images / 255.0, tf.float32), tf.constant(split.labels)
    costs = [
        float(network.cost(network.logits(images), labels))
        for network in (lowlevel.mnist_lowlevel(), lowlevel.mnist_lowlevel_stddev1())
    ]
    assert costs[0] < 10
    assert costs[1] > 1000


def test_same_seed_gives_the_same_weights_and_the_best_epoch_is_kept(trained: Any) -> None:
    again, position = _fit(_recipe())
    same = zip(trained.get_weights(), again.get_weights(), strict=True)
    assert all((one == other).all() for one, other in same)
    validation = tiny_dataset(SHAPE).validation
    found = again(validation.images.astype(np.float32) / 255).numpy().argmax(axis=1)
    assert (found == validation.labels).mean() == pytest.approx(position.best_accuracy)


def test_interrupted_run_ends_as_an_uninterrupted_one(trained: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"

    def interrupt(epoch: int, figures: Mapping[str, float], network: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        _fit(_recipe(), checkpoint=path, callbacks=[interrupt])
    resumed = _fit(_recipe(), checkpoint=path)[0]
    for one, other in zip(trained.get_weights(), resumed.get_weights(), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("change", [{"optimizer": "sgd"}, {"smoothing": 0.1}])
def test_what_the_low_level_networks_lack_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="trained by Adam"):
        _fit(_recipe(**change))


def test_service_answers_what_the_network_computes(trained: Any, client: TestClient) -> None:
    (answer,) = client.post("/predict", content=save(seven())).json()["predictions"]
    pixels = tokens.decode(answer["image"], SHAPE)[np.newaxis].astype(np.float32) / 255
    expected = trained(pixels).numpy()[0]
    assert np.abs(np.array(list(answer["probabilities"].values())) - expected).max() < 1e-6
    pooled = trained.convolution1(pixels).numpy()[0]
    path = f"/layers/pool1/pooled-maps?format=npy&image={answer['image']}"
    served = np.load(io.BytesIO(client.get(path).content))
    assert served.shape == (6, 5, 32)
    assert np.abs(served - pooled).max() < 1e-5


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_service_draws_maps_and_kernels(client: TestClient, layer: str) -> None:
    for what in ("feature-maps", "filters"):
        answer = client.get(f"/layers/{layer}/{what}?format=png")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    cell = client.get(f"/layers/{layer}/feature-maps/0/cells/1/1")
    assert cell.status_code == 200
