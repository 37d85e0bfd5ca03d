"""Keras 3 without a library: a model with an output for each layer, traced once."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.looking_inside.explainers.network import MAPS, build, scaled


class Explainer:
    """Gives the activations as arrays, nothing else."""

    def __init__(self, model: Path, folder: Path) -> None:
        import tensorflow as tf

        network = build(model / "weights.npz")
        outputs = [network.get_layer(name).output for name in MAPS]
        self._run = tf.function(tf.keras.Model(network.inputs, outputs), reduce_retracing=True)

    def maps(self, digit: NDArray[np.uint8]) -> dict[str, Any]:
        found = self._run(scaled(digit))
        return {name: one.numpy()[0] for name, one in zip(MAPS, found, strict=True)}
