"""A layer's input and one cell of its output become the arithmetic that computes this cell."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.introspection import geometry, rounding
from service.manifest import Kind, Layer, Manifest

Floats = NDArray[np.float64]
Box = tuple[int, int, int, int]
"""Top, left, bottom, right; bottom and right are one past the end."""

POINTWISE: frozenset[Kind] = frozenset({"add", "activation", "dropout"})
"""Kinds of layers whose cell depends on the cells at the same position of the input maps alone."""


@dataclass(frozen=True, slots=True)
class Window:
    """The input under a layer's window: `values` (h, w, c), zero where `padding` (h, w) is true.

    `top` and `left` are its first row and column in the input, less than 0 in padding.
    """

    values: Floats
    padding: NDArray[np.bool_]
    top: int
    left: int


def window_at(layer: Layer, source: NDArray[np.float32], row: int, column: int) -> Window:
    """The window of `layer` over its input `source` (h, w, c) for the output cell (row, column)."""
    assert layer.kernel
    assert layer.strides
    assert layer.padding
    spans = []
    for axis, position in enumerate((row, column)):
        size, kernel, stride = source.shape[axis], layer.kernel[axis], layer.strides[axis]
        _, before, _ = geometry.output(size, kernel, stride, layer.padding)
        spans.append(geometry.window(position, kernel, stride, before))
    (top, bottom), (left, right) = spans
    values = np.zeros((bottom - top, right - left, source.shape[2]))
    rows = np.arange(top, bottom)
    columns = np.arange(left, right)
    inside = ((rows >= 0) & (rows < source.shape[0]))[:, np.newaxis] & (
        (columns >= 0) & (columns < source.shape[1])
    )
    r, c = np.nonzero(inside)
    values[r, c] = source[rows[r], columns[c]]
    return Window(values, ~inside, top, left)


def whole_input(source: NDArray[np.float32]) -> Window:
    """The window of a global pooling layer: all of its input (h, w, c)."""
    return Window(source.astype(np.float64), np.zeros(source.shape[:2], bool), 0, 0)


def convolution(
    window: Window,
    kernel: NDArray[np.float32],
    bias: float,
    activation: str | None,
    model_value: float,
) -> dict[str, Any]:
    """The cell as activation(Σ window · kernel + bias), with every product; `kernel` is (h, w, c).

    `difference` is how far `value`, computed in float64, is from `model_value`, which the model
    computed in float32. `bound` is the largest difference that rounding alone can make.
    """
    products = window.values * kernel
    subtotals = products.sum(axis=(0, 1))
    total = float(subtotals.sum())
    before = total + bias
    bound = rounding.of_sum(np.append(products, bias))
    inputs = [
        {
            "channel": channel,
            "window": window.values[..., channel].tolist(),
            "is_padding": window.padding.tolist(),
            "kernel": kernel[..., channel].tolist(),
            "products": products[..., channel].tolist(),
            "subtotal": float(subtotals[channel]),
        }
        for channel in range(kernel.shape[2])
    ]
    return {
        "inputs": inputs,
        "top": window.top,
        "left": window.left,
        "sum": total,
        "bias": bias,
        **_activated(before, activation, bound, model_value),
    }


def pooling(window: Window, channel: int, method: str, model_value: float) -> dict[str, Any]:
    """The cell as the maximum of a window's `channel` and its position, or as the mean.

    `method` is `max` or `average`. Padding is never the maximum and does not count in the mean.
    """
    values = window.values[..., channel]
    inside = values[~window.padding]
    answer: dict[str, Any] = {
        "method": method,
        "window": values.tolist(),
        "is_padding": window.padding.tolist(),
        "top": window.top,
        "left": window.left,
    }
    bound = 0.0
    if method == "average":
        value = float(inside.mean())
        bound = rounding.of_sum(inside / inside.size)
    else:
        value = float(inside.max())
        ties = np.argwhere((values == value) & ~window.padding)
        answer["winner"] = _position(ties[0])
        answer["ties"] = [_position(tie) for tie in ties[1:]]
    return {
        **answer,
        "value": value,
        "model_value": model_value,
        "difference": abs(value - model_value),
        "bound": bound,
    }


def pointwise(
    terms: Mapping[str, float], activation: str | None, model_value: float
) -> dict[str, Any]:
    """The cell as activation(Σ `terms`), which are the input layers' cells by layer name."""
    before = sum(terms.values())
    bound = rounding.of_sum(np.array(list(terms.values()))) if len(terms) > 1 else 0.0
    return {
        "terms": [{"layer": layer, "value": term} for layer, term in terms.items()],
        **_activated(before, activation, bound, model_value),
    }


def _activated(
    before: float, activation: str | None, bound: float, model_value: float
) -> dict[str, Any]:
    """The end of a cell: its activation, and how far the model's value is from it.

    `bound` is that of `before`, the sum before the activation.
    """
    value = ACTIVATIONS[activation](before)
    return {
        "pre": before,
        "activation": activation,
        "value": value,
        "model_value": model_value,
        "difference": abs(value - model_value),
        "bound": rounding.after(activation, before, bound),
    }


def receptive_field(manifest: Manifest, layer: Layer, row: int, column: int) -> Box:
    """The box of the input image whose pixels can change the cell (row, column) of `layer`.

    If several paths lead through the network, as around a residual connection, the box holds the
    receptive fields of all of them.
    """
    boxes: dict[str, Box] = {layer.name: (row, column, row + 1, column + 1)}
    for one in reversed(manifest.layers):
        if one.name not in boxes:
            continue
        for source in one.inputs:
            below = _input_box(one, boxes[one.name], shape_of(manifest, source))
            boxes[source] = _union([box for box in (boxes.get(source), below) if box])
    return boxes["images"]


def shape_of(manifest: Manifest, name: str) -> tuple[int, ...]:
    """The output shape of a layer, or of `images`, the input."""
    if name == "images":
        return manifest.input_shape
    return next(layer.output_shape for layer in manifest.layers if layer.name == name)


def _input_box(layer: Layer, box: Box, shape: Sequence[int]) -> Box:
    """The part of an input of `shape` that `layer` needs for the part `box` of its output."""
    if layer.kernel is None or layer.strides is None or layer.padding is None:
        return box if len(layer.output_shape) == 3 else (0, 0, shape[0], shape[1])
    ends = []
    for axis in (0, 1):
        kernel, stride = layer.kernel[axis], layer.strides[axis]
        _, before, _ = geometry.output(shape[axis], kernel, stride, layer.padding)
        first = geometry.window(box[axis], kernel, stride, before)[0]
        last = geometry.window(box[axis + 2] - 1, kernel, stride, before)[1]
        ends.append((max(0, first), min(shape[axis], last)))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def _union(boxes: Sequence[Box]) -> Box:
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def _position(at: NDArray[np.int64]) -> dict[str, int]:
    return {"row": int(at[0]), "col": int(at[1])}


def _sigmoid(x: float) -> float:
    """The logistic function, computed by tanh, which overflows for no x."""
    return (1 + math.tanh(x / 2)) / 2


ACTIVATIONS: Mapping[str | None, Callable[[float], float]] = {
    None: lambda x: x,
    "relu": lambda x: max(0.0, x),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
}
"""The activations that map one number to one; softmax needs all maps at a position."""
