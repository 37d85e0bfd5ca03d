"""Nodes become fewer nodes that compute the same: normalisation goes into its convolution.

What is left is a convolution with kernel, bias and activation, which is quicker to compute and can
be taken apart cell by cell.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.networks import layers as make
from training.networks.layers import Node

MONOTONE = frozenset({"relu", "tanh", "sigmoid"})
"""Activations that change places with a maximum."""


def fold(nodes: Sequence[Node]) -> list[Node]:
    """Fold every normalisation, and an activation behind it, that only its convolution feeds.

    A max pool may stand in between where each scale is positive: max(s·x + b) = s·max(x) + b.
    """
    network = _Network(nodes)
    for node in nodes:
        if node.kind == "batch_normalization":
            network.take_normalisation(node)
        elif node.kind == "activation":
            network.take_activation(node)
    return network.nodes()


class _Network:
    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._uses = Counter(source for node in nodes for source in node.inputs)
        self._folded: set[str] = set()

    def nodes(self) -> list[Node]:
        return list(self._nodes.values())

    def take_normalisation(self, norm: Node) -> None:
        scale, shift = _affine(norm)
        found = self._convolution(norm)
        if found is None or not (found.name == norm.inputs[0] or (scale > 0).all()):
            return
        kernel = found.weights["kernel"] * scale
        bias = found.weights.get("bias", np.zeros_like(shift)) * scale + shift
        self._replace(found, kernel, bias, None)
        self._remove(norm)
        self._folded.add(found.name)

    def take_activation(self, node: Node) -> None:
        found = self._convolution(node)
        if found is None or found.name not in self._folded:
            return
        if found.name == node.inputs[0] or node.activation in MONOTONE:
            self._replace(found, found.weights["kernel"], found.weights["bias"], node.activation)
            self._remove(node)

    def _convolution(self, node: Node) -> Node | None:
        """The linear convolution that feeds `node` alone, perhaps through a max pool."""
        source = self._nodes.get(self._nodes[node.name].inputs[0])
        if source is not None and source.kind == "max_pooling" and self._uses[source.name] == 1:
            source = self._nodes.get(source.inputs[0])
        linear = source is not None and source.kind == "convolution" and source.activation is None
        return source if source is not None and linear and self._uses[source.name] == 1 else None

    def _replace(
        self, node: Node, kernel: NDArray[Any], bias: NDArray[Any], activation: str | None
    ) -> None:
        assert node.strides
        assert node.padding
        self._nodes[node.name] = make.convolution(
            node.name,
            node.inputs[0],
            kernel.astype(np.float32),
            bias.astype(np.float32),
            strides=node.strides,
            padding=node.padding,
            activation=activation,
        )

    def _remove(self, node: Node) -> None:
        """Let what `node` fed be fed by what fed `node`."""
        (source,) = self._nodes.pop(node.name).inputs
        self._uses[source] += self._uses.pop(node.name, 0) - 1
        for name, other in self._nodes.items():
            if node.name in other.inputs:
                inputs = tuple(source if one == node.name else one for one in other.inputs)
                self._nodes[name] = replace(other, inputs=inputs)


def _affine(norm: Node) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The scale and shift (maps,) that a normalisation amounts to."""
    weights = {what: values.astype(np.float64) for what, values in norm.weights.items()}
    scale = weights["gamma"] / np.sqrt(weights["variance"] + norm.epsilon)
    return scale, weights["beta"] - weights["mean"] * scale
