"""Layers become fewer layers that compute the same: batch normalisation goes into convolutions.

Only convolutions with kernel, bias and activation remain. They are faster, and the service can
explain each of their cells as one sum.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.networks import layers
from training.networks.layers import ExportedLayer

MONOTONE = frozenset({"relu", "tanh", "sigmoid"})
"""Non-decreasing activations, which commute with max pooling."""


def fold(network: Sequence[ExportedLayer]) -> list[ExportedLayer]:
    """Fold each batch normalisation, and the activation after it, into the convolution before it.

    Nothing else may read the convolution's output. Max pooling may lie in between if each scale is
    positive, because then max(s·x + b) = s·max(x) + b.
    """
    folding = _Folding(network)
    for layer in network:
        if layer.kind == "batch_normalization":
            folding.fold_normalisation(layer)
        elif layer.kind == "activation":
            folding.fold_activation(layer)
    return folding.network()


class _Folding:
    def __init__(self, network: Sequence[ExportedLayer]) -> None:
        self._layers = {layer.name: layer for layer in network}
        self._readers = Counter(source for layer in network for source in layer.inputs)
        self._folded: set[str] = set()

    def network(self) -> list[ExportedLayer]:
        return list(self._layers.values())

    def fold_normalisation(self, norm: ExportedLayer) -> None:
        scale, shift = _scale_and_shift(norm)
        convolution = self._convolution_before(norm)
        if convolution is None:
            return
        if convolution.name != norm.inputs[0] and not (scale > 0).all():
            return
        kernel = convolution.weights["kernel"] * scale
        bias = convolution.weights.get("bias", np.zeros_like(shift)) * scale + shift
        self._replace(convolution, kernel, bias, None)
        self._remove(norm)
        self._folded.add(convolution.name)

    def fold_activation(self, layer: ExportedLayer) -> None:
        convolution = self._convolution_before(layer)
        if convolution is None or convolution.name not in self._folded:
            return
        if convolution.name == layer.inputs[0] or layer.activation in MONOTONE:
            weights = convolution.weights
            self._replace(convolution, weights["kernel"], weights["bias"], layer.activation)
            self._remove(layer)

    def _convolution_before(self, layer: ExportedLayer) -> ExportedLayer | None:
        """The convolution without activation that only `layer` reads, directly or max-pooled."""
        source = self._layers.get(self._layers[layer.name].inputs[0])
        if source is not None and source.kind == "max_pooling" and self._readers[source.name] == 1:
            source = self._layers.get(source.inputs[0])
        if source is None or source.kind != "convolution" or source.activation is not None:
            return None
        return source if self._readers[source.name] == 1 else None

    def _replace(
        self,
        convolution: ExportedLayer,
        kernel: NDArray[Any],
        bias: NDArray[Any],
        activation: str | None,
    ) -> None:
        assert convolution.strides
        assert convolution.padding
        self._layers[convolution.name] = layers.convolution(
            convolution.name,
            convolution.inputs[0],
            kernel.astype(np.float32),
            bias.astype(np.float32),
            strides=convolution.strides,
            padding=convolution.padding,
            activation=activation,
        )

    def _remove(self, layer: ExportedLayer) -> None:
        """Remove `layer` and connect its readers to its input."""
        (source,) = self._layers.pop(layer.name).inputs
        self._readers[source] += self._readers.pop(layer.name, 0) - 1
        for name, other in self._layers.items():
            if layer.name in other.inputs:
                inputs = tuple(source if one == layer.name else one for one in other.inputs)
                self._layers[name] = replace(other, inputs=inputs)


def _scale_and_shift(norm: ExportedLayer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The scale and the shift, each (maps,), that a batch normalisation applies."""
    weights = {what: values.astype(np.float64) for what, values in norm.weights.items()}
    scale = weights["gamma"] / np.sqrt(weights["variance"] + norm.epsilon)
    return scale, weights["beta"] - weights["mean"] * scale
