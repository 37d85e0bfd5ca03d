"""A trained Keras network becomes nodes: the same layers and weights in plain TensorFlow."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from training.errors import ExportError
from training.exporting import fold_batchnorm
from training.networks import layers as nodes
from training.networks import lowlevel
from training.networks.fused_batchnorm import BatchNormalization
from training.networks.layers import Node

_Maker = Callable[..., Node]


def convert(model: Any) -> list[Node]:
    """The nodes of `model`, in the order of the forward pass; ExportError for an unknown layer.

    Normalisations are folded into their convolutions, see `training.exporting.fold_batchnorm`. A
    low-level network says its own nodes.
    """
    if isinstance(model, lowlevel.Network):
        return model.nodes()
    found = [_node(layer) for layer in model.layers if not isinstance(layer, layers.InputLayer)]
    return fold_batchnorm.fold(found)


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
    if layer.groups != 1 or tuple(layer.dilation_rate) != (1, 1):
        raise ExportError(f"{layer.name}: grouped and dilated convolutions cannot be exported.")
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


def _pooling(layer: Any, source: str) -> Node:
    return nodes.pooling(
        layer.name,
        source,
        "max" if isinstance(layer, layers.MaxPooling2D) else "average",
        kernel=tuple(layer.pool_size),
        strides=tuple(layer.strides),
        padding=layer.padding.upper(),
    )


def _batch_normalization(layer: Any, source: str) -> Node:
    if not layer.center:
        raise ExportError(f"{layer.name}: without centre it cannot be exported.")
    *scale, beta, mean, variance = layer.get_weights()
    gamma = scale[0] if scale else np.ones_like(beta)
    return nodes.batch_normalization(
        layer.name,
        source,
        gamma=gamma,
        beta=beta,
        mean=mean,
        variance=variance,
        epsilon=layer.epsilon,
    )


def _only_activation(layer: Any, source: str) -> Node:
    function = _activation(layer)
    if function is None:
        raise ExportError(f"{layer.name}: an activation that does nothing cannot be exported.")
    return nodes.activation(layer.name, source, function)


def _activation(layer: Any) -> str | None:
    name: str = keras.activations.serialize(layer.activation)
    if name != "linear" and name not in nodes.ACTIVATIONS:
        raise ExportError(f"{layer.name}: the activation {name} cannot be exported.")
    return None if name == "linear" else name


_MAKERS: dict[type[Any], _Maker] = {
    layers.Conv2D: _convolution,
    layers.Dense: _dense,
    layers.MaxPooling2D: _pooling,
    layers.AveragePooling2D: _pooling,
    layers.GlobalAveragePooling2D: lambda layer, source: nodes.global_average_pooling(
        layer.name, source
    ),
    layers.GlobalMaxPooling2D: lambda layer, source: nodes.global_max_pooling(layer.name, source),
    layers.BatchNormalization: _batch_normalization,
    BatchNormalization: _batch_normalization,
    layers.Activation: _only_activation,
    layers.Add: lambda layer, *sources: nodes.add(layer.name, *sources),
    layers.Flatten: lambda layer, source: nodes.flatten(layer.name, source),
    layers.Dropout: lambda layer, source: nodes.dropout(layer.name, source),
}
