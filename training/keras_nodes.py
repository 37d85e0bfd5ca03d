"""A trained Keras network becomes nodes: the same layers and weights in plain TensorFlow."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from training import nodes
from training.errors import ExportError
from training.nodes import Node

_Maker = Callable[..., Node]


def convert(model: Any) -> list[Node]:
    """The nodes of `model`, in the order of the forward pass; ExportError for an unknown layer."""
    return [_node(layer) for layer in model.layers if not isinstance(layer, layers.InputLayer)]


def _node(layer: Any) -> Node:
    if type(layer) not in _MAKERS:
        raise ExportError(f"Layers of type {type(layer).__name__} cannot be exported.")
    return _MAKERS[type(layer)](layer, *_sources(layer))


def _sources(layer: Any) -> list[str]:
    """The names of the layers that feed `layer`; the network's input is `images`."""
    tensors = layer.input if isinstance(layer.input, list) else [layer.input]
    feeding = [tensor._keras_history.operation for tensor in tensors]
    return ["images" if isinstance(one, layers.InputLayer) else one.name for one in feeding]


def _convolution(layer: Any, source: str) -> Node:
    return nodes.convolution(
        layer.name,
        source,
        *layer.get_weights(),
        strides=tuple(layer.strides),
        padding=layer.padding.upper(),
        activation=_activation(layer),
    )


def _dense(layer: Any, source: str) -> Node:
    return nodes.dense(layer.name, source, *layer.get_weights(), activation=_activation(layer))


def _max_pooling(layer: Any, source: str) -> Node:
    return nodes.pooling(
        layer.name,
        source,
        "max",
        kernel=tuple(layer.pool_size),
        strides=tuple(layer.strides),
        padding=layer.padding.upper(),
    )


def _activation(layer: Any) -> str | None:
    name: str = keras.activations.serialize(layer.activation)
    if name != "linear" and name not in nodes.ACTIVATIONS:
        raise ExportError(f"{layer.name}: the activation {name} cannot be exported.")
    return None if name == "linear" else name


_MAKERS: dict[type[Any], _Maker] = {
    layers.Conv2D: _convolution,
    layers.Dense: _dense,
    layers.MaxPooling2D: _max_pooling,
    layers.Flatten: lambda layer, source: nodes.flatten(layer.name, source),
    layers.Dropout: lambda layer, source: nodes.dropout(layer.name, source),
}
