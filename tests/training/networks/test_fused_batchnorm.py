"""The fused batch normalisation gives the results and gradients of Keras' layer."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.networks.fused_batchnorm import BatchNormalization

MAPS = np.random.default_rng(1).normal(3, 2, (8, 5, 5, 4)).astype(np.float32)


def _after_two_batches(layer: Any) -> tuple[Any, Any, Any]:
    """Its outputs in training and in inference, and its weights."""
    layer.build(MAPS.shape)
    layer(MAPS * 2, training=True)
    trained = layer(MAPS, training=True)
    return trained, layer(MAPS, training=False), layer.get_weights()


@pytest.mark.parametrize("scale", [True, False])
def test_answers_and_averages_are_those_of_keras(scale: bool) -> None:
    options = {"momentum": 0.9, "scale": scale}
    own = _after_two_batches(BatchNormalization(**options))
    keras_own = _after_two_batches(keras.layers.BatchNormalization(**options))
    np.testing.assert_allclose(own[0], keras_own[0], atol=1e-5)
    # The fused operation averages the unbiased variance: n / (n - 1) of the batch's own.
    np.testing.assert_allclose(own[1], keras_own[1], atol=0.01)
    for mine, theirs in zip(own[2], keras_own[2], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1 / (MAPS[..., 0].size - 1), atol=1e-6)


def test_gradients_are_those_of_keras() -> None:
    def gradient(layer: Any) -> Any:
        maps = tf.Variable(MAPS)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(maps, training=True) ** 3)
        return tape.gradient(loss, maps)

    np.testing.assert_allclose(
        gradient(BatchNormalization()), gradient(keras.layers.BatchNormalization()), atol=1e-3
    )
