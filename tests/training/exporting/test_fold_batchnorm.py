"""A folded network computes what Keras computes, in fewer layers that keep their names."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.exported_models import tiny_dataset
from training.exporting import from_keras
from training.exporting.saved_model import ExportedModel
from training.networks import strong

SHAPE = (16, 16, 3)


def _randomised(network: Any) -> Any:
    random = np.random.default_rng(4)
    for weights in network.weights:
        low = 0.5 if weights.name in ("gamma", "moving_variance") else -0.2
        weights.assign(random.uniform(low, low + 0.5, weights.shape))
    return network


@pytest.mark.parametrize("build", [strong.mnist, strong.cifar10])
def test_strong_network_computes_what_keras_computes(build: Any) -> None:
    network = _randomised(build(SHAPE, 3))
    images = tiny_dataset(SHAPE).test.images
    found = from_keras.convert(network)
    assert not {layer.kind for layer in found} & {"batch_normalization", "activation"}
    ours = ExportedModel(found, SHAPE).predict(tf.constant(images))["probabilities"].numpy()
    theirs = network(images.astype(np.float32) / 255).numpy()
    assert theirs.std() > 0.01
    assert np.abs(ours - theirs).max() <= 1e-4


def test_names_are_readable_and_residual_sums_tell_what_feeds_them() -> None:
    found = {layer.name: layer for layer in from_keras.convert(strong.cifar10(SHAPE, 3))}
    assert found["block2.conv2"].activation == "relu"
    assert found["block2.pool1"].inputs == ("block2.conv1",)
    assert found["block2.conv2"].inputs == ("block2.pool1",)
    assert found["block2.add"].inputs == ("block2.pool1", "block2.conv3")
    assert not [name for name in found if name.endswith(("norm", "relu"))]


def _pooled(gamma: float, activation: str) -> tuple[Any, list[str]]:
    network = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(2, 3, name="conv1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.BatchNormalization(name="norm1"),
            layers.Activation(activation, name="act1"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, activation="softmax", name="output"),
        ]
    )
    _randomised(network)
    network.get_layer("norm1").gamma.assign([gamma, 1.0])
    return network, [layer.name for layer in from_keras.convert(network)]


@pytest.mark.parametrize(
    ("gamma", "activation", "left"),
    [
        (1.0, "relu", ["conv1", "pool1", "flatten", "output"]),
        (1.0, "silu", ["conv1", "pool1", "act1", "flatten", "output"]),
        (-1.0, "relu", ["conv1", "pool1", "norm1", "act1", "flatten", "output"]),
    ],
)
def test_only_what_changes_places_with_a_pool_is_folded(
    gamma: float, activation: str, left: list[str]
) -> None:
    network, names = _pooled(gamma, activation)
    assert names == left
    images = tiny_dataset(SHAPE).test.images
    model = ExportedModel(from_keras.convert(network), SHAPE)
    ours = model.predict(tf.constant(images))["probabilities"].numpy()
    assert np.abs(ours - network(images.astype(np.float32) / 255).numpy()).max() <= 1e-5
