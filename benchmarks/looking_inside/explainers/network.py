"""Builds the network of `mnist-lecture` in Keras 2 or 3 with the weights of its weights.npz."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAPS = ("conv1", "pool1", "conv2", "pool2")


def build(weights: Path, activation: str | None = "softmax") -> Any:
    """The lecture's MNIST network with `weights`; its output are logits if `activation` is None."""
    import tensorflow as tf

    layers = tf.keras.layers
    network = tf.keras.Sequential(
        [
            tf.keras.Input((28, 28, 1), name="images"),
            layers.Conv2D(32, 3, activation="relu", name="conv1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(64, 3, activation="relu", name="conv2"),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", name="dense1"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(10, activation=activation, name="output"),
        ]
    )
    with np.load(weights) as arrays:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights([arrays[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    return network


def scaled(digit: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One digit, uint8 (28, 28, 1), as input of that network: float32 (1, 28, 28, 1) in 0..1."""
    return (digit[np.newaxis] / 255).astype(np.float32)
