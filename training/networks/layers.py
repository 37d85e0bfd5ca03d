"""Trained weights become the layers of an exported model, in plain TensorFlow.

An exported model consists of these layers alone, whether Keras or the low-level networks trained
its weights. Tensors are float32 of shape (n, h, w, c) or (n, features).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from service.manifest import Kind, Layer

Padding = Literal["SAME", "VALID"]
Pair = tuple[int, int]
Weights = dict[str, NDArray[np.float32]]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": tf.nn.relu,
    "softmax": tf.nn.softmax,
    "silu": tf.nn.silu,
    "gelu": tf.nn.gelu,
    "tanh": tf.nn.tanh,
    "sigmoid": tf.nn.sigmoid,
}


@dataclass
class ExportedLayer:
    """One layer of an exported model.

    `compute` maps the outputs of the layers called `inputs`, and the weights by name, to the output
    before `activation`.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    compute: Callable[[list[Any], dict[str, Any]], Any]
    weights: Weights = field(default_factory=dict)
    activation: str | None = None
    kernel: Pair | None = None
    strides: Pair | None = None
    padding: Padding | None = None
    formula: str | None = None
    epsilon: float = 0.0
    """The constant that a batch normalisation adds to the variance."""

    def describe(self, output_shape: Sequence[int]) -> Layer:
        """The manifest's record of this layer; `output_shape` is without the batch axis."""
        return Layer(
            name=self.name,
            kind=self.kind,
            output_shape=tuple(output_shape),
            inputs=self.inputs,
            kernel=self.kernel,
            strides=self.strides,
            padding=self.padding,
            activation=self.activation,
            parameters=sum(values.size for values in self.weights.values()),
            formula=self.formula,
        )


def convolution(
    name: str,
    inputs: str,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32] | None = None,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "VALID",
    activation: str | None = None,
) -> ExportedLayer:
    """A convolution with `kernel` (h, w, input channels, maps) and `bias` (maps,)."""
    height, width, channels, maps = kernel.shape

    def compute(tensors: list[Any], weights: dict[str, Any]) -> Any:
        sums = tf.nn.conv2d(tensors[0], weights["kernel"], strides, padding)
        return sums if bias is None else tf.nn.bias_add(sums, weights["bias"])

    product = f"{height}·{width}·{channels}·{maps}"
    return ExportedLayer(
        name,
        "convolution",
        (inputs,),
        compute,
        _with_bias(kernel, bias),
        activation,
        kernel=(height, width),
        strides=strides,
        padding=padding,
        formula=_formula(product, kernel, bias),
    )


def dense(
    name: str,
    inputs: str,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32] | None = None,
    *,
    activation: str | None = None,
) -> ExportedLayer:
    """A fully connected layer with `kernel` (inputs, outputs) and `bias` (outputs,)."""

    def compute(tensors: list[Any], weights: dict[str, Any]) -> Any:
        sums = tf.linalg.matmul(tensors[0], weights["kernel"])
        return sums if bias is None else tf.nn.bias_add(sums, weights["bias"])

    product = "·".join(str(size) for size in kernel.shape)
    return ExportedLayer(
        name,
        "dense",
        (inputs,),
        compute,
        _with_bias(kernel, bias),
        activation,
        formula=_formula(product, kernel, bias),
    )


def pooling(
    name: str,
    inputs: str,
    method: Literal["max", "average"] = "max",
    *,
    kernel: Pair = (2, 2),
    strides: Pair = (2, 2),
    padding: Padding = "VALID",
) -> ExportedLayer:
    """Max or average pooling over windows of `kernel` (height, width)."""
    pool = tf.nn.max_pool2d if method == "max" else tf.nn.avg_pool2d

    def compute(tensors: list[Any], weights: dict[str, Any]) -> Any:
        return pool(tensors[0], kernel, strides, padding)

    kind: Kind = "max_pooling" if method == "max" else "average_pooling"
    return ExportedLayer(
        name, kind, (inputs,), compute, kernel=kernel, strides=strides, padding=padding
    )


def flatten(name: str, inputs: str) -> ExportedLayer:
    """(n, h, w, c) → (n, h·w·c)."""

    def compute(tensors: list[Any], weights: dict[str, Any]) -> Any:
        return tf.reshape(tensors[0], (-1, int(np.prod(tensors[0].shape[1:]))))

    return ExportedLayer(name, "flatten", (inputs,), compute)


def dropout(name: str, inputs: str) -> ExportedLayer:
    """The identity: dropout acts only in training."""
    return ExportedLayer(
        name, "dropout", (inputs,), lambda tensors, weights: tf.identity(tensors[0])
    )


def global_average_pooling(name: str, inputs: str) -> ExportedLayer:
    """(n, h, w, c) → (n, c): the mean of each map."""

    def compute(tensors: list[Any], weights: dict[str, Any]) -> Any:
        return tf.reduce_mean(tensors[0], axis=(1, 2))

    return ExportedLayer(name, "global_average_pooling", (inputs,), compute)


def global_max_pooling(name: str, inputs: str) -> ExportedLayer:
    """(n, h, w, c) → (n, c): the largest value of each map."""

    def compute(tensors: list[Any], weights: dict[str, Any]) -> Any:
        return tf.reduce_max(tensors[0], axis=(1, 2))

    return ExportedLayer(name, "global_max_pooling", (inputs,), compute)


def activation(name: str, inputs: str, function: str) -> ExportedLayer:
    """A layer that only applies `function`, a key of ACTIVATIONS."""
    return ExportedLayer(
        name, "activation", (inputs,), lambda tensors, weights: tensors[0], activation=function
    )


def add(name: str, *inputs: str) -> ExportedLayer:
    """The sum of the outputs of several layers."""
    return ExportedLayer(name, "add", inputs, lambda tensors, weights: tf.add_n(tensors))


def batch_normalization(
    name: str,
    inputs: str,
    *,
    gamma: NDArray[np.float32],
    beta: NDArray[np.float32],
    mean: NDArray[np.float32],
    variance: NDArray[np.float32],
    epsilon: float,
) -> ExportedLayer:
    """(x − mean) / √(variance + epsilon) · gamma + beta for each map; the arrays are (maps,)."""

    def compute(tensors: list[Any], weights: dict[str, Any]) -> Any:
        return tf.nn.batch_normalization(
            tensors[0],
            weights["mean"],
            weights["variance"],
            weights["beta"],
            weights["gamma"],
            epsilon,
        )

    return ExportedLayer(
        name,
        "batch_normalization",
        (inputs,),
        compute,
        {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance},
        formula=f"4·{gamma.size} = {4 * gamma.size}",
        epsilon=epsilon,
    )


def _with_bias(kernel: NDArray[np.float32], bias: NDArray[np.float32] | None) -> Weights:
    return {"kernel": kernel} if bias is None else {"kernel": kernel, "bias": bias}


def _formula(product: str, kernel: NDArray[Any], bias: NDArray[Any] | None) -> str:
    if bias is None:
        return f"{product} = {kernel.size}"
    return f"{product} + {bias.size} = {kernel.size + bias.size}"
