"""A trained Keras network becomes the layers of an exported model, in plain TensorFlow."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from training.errors import ExportError
from training.exporting import fold_batchnorm
from training.networks import layers, lowlevel
from training.networks.fused_batchnorm import BatchNormalization
from training.networks.layers import ExportedLayer

_Converter = Callable[..., ExportedLayer]


def convert(model: Any) -> list[ExportedLayer]:
    """The layers of `model`, a Keras or a low-level network, in the order of the forward pass.

    Batch normalisation is folded into the convolutions, see `training.exporting.fold_batchnorm`.
    Raises ExportError for a layer that cannot be exported.
    """
    if isinstance(model, lowlevel.Network):
        return model.exported_layers()
    inputs = keras.layers.InputLayer
    return fold_batchnorm.fold(
        [_convert(one) for one in model.layers if not isinstance(one, inputs)]
    )


def _convert(layer: Any) -> ExportedLayer:
    if type(layer) not in _CONVERTERS:
        raise ExportError(f"Layers of type {type(layer).__name__} cannot be exported.")
    return _CONVERTERS[type(layer)](layer, *_sources(layer))


def _sources(layer: Any) -> list[str]:
    """The names of the layers that `layer` reads; the network's input is called `images`."""
    tensors = layer.input if isinstance(layer.input, list) else [layer.input]
    # _keras_history is private in Keras: it names the layer that computed a tensor.
    sources = [tensor._keras_history.operation for tensor in tensors]
    return ["images" if isinstance(one, keras.layers.InputLayer) else one.name for one in sources]


def _convolution(layer: Any, source: str) -> ExportedLayer:
    if layer.groups != 1 or tuple(layer.dilation_rate) != (1, 1):
        raise ExportError(f"{layer.name}: grouped and dilated convolutions cannot be exported.")
    return layers.convolution(
        layer.name,
        source,
        *layer.get_weights(),
        strides=tuple(layer.strides),
        padding=layer.padding.upper(),
        activation=_activation(layer),
    )


def _dense(layer: Any, source: str) -> ExportedLayer:
    return layers.dense(layer.name, source, *layer.get_weights(), activation=_activation(layer))


def _pooling(layer: Any, source: str) -> ExportedLayer:
    return layers.pooling(
        layer.name,
        source,
        "max" if isinstance(layer, keras.layers.MaxPooling2D) else "average",
        kernel=tuple(layer.pool_size),
        strides=tuple(layer.strides),
        padding=layer.padding.upper(),
    )


def _batch_normalization(layer: Any, source: str) -> ExportedLayer:
    if not layer.center:
        raise ExportError(
            f"{layer.name}: batch normalisation without center (beta) cannot be exported."
        )
    *scale, beta, mean, variance = layer.get_weights()
    gamma = scale[0] if scale else np.ones_like(beta)
    return layers.batch_normalization(
        layer.name,
        source,
        gamma=gamma,
        beta=beta,
        mean=mean,
        variance=variance,
        epsilon=layer.epsilon,
    )


def _activation_layer(layer: Any, source: str) -> ExportedLayer:
    function = _activation(layer)
    if function is None:
        raise ExportError(
            f"{layer.name}: an activation layer with a linear activation cannot be exported."
        )
    return layers.activation(layer.name, source, function)


def _activation(layer: Any) -> str | None:
    name: str = keras.activations.serialize(layer.activation)
    if name != "linear" and name not in layers.ACTIVATIONS:
        raise ExportError(f"{layer.name}: the activation {name} cannot be exported.")
    return None if name == "linear" else name


_CONVERTERS: dict[type[Any], _Converter] = {
    keras.layers.Conv2D: _convolution,
    keras.layers.Dense: _dense,
    keras.layers.MaxPooling2D: _pooling,
    keras.layers.AveragePooling2D: _pooling,
    keras.layers.GlobalAveragePooling2D: lambda layer, source: layers.global_average_pooling(
        layer.name, source
    ),
    keras.layers.GlobalMaxPooling2D: lambda layer, source: layers.global_max_pooling(
        layer.name, source
    ),
    keras.layers.BatchNormalization: _batch_normalization,
    BatchNormalization: _batch_normalization,
    keras.layers.Activation: _activation_layer,
    keras.layers.Add: lambda layer, *sources: layers.add(layer.name, *sources),
    keras.layers.Flatten: lambda layer, source: layers.flatten(layer.name, source),
    keras.layers.Dropout: lambda layer, source: layers.dropout(layer.name, source),
}
