"""Matrices and kernels become their convolution or pooling, every step shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.introspection import geometry
from service.introspection.geometry import Padding

Floats = NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Slide:
    """A window's way over an input: `padded` (h, w, c), where it is `padding` (h, w), and sizes."""

    padded: Floats
    padding: NDArray[np.bool_]
    window: Pair
    stride: Pair
    size: Pair

    def places(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Every output place with the rows and columns of `padded` under the window."""
        for row in range(self.size[0]):
            for column in range(self.size[1]):
                top, left = row * self.stride[0], column * self.stride[1]
                rows = slice(top, top + self.window[0])
                yield row, column, rows, slice(left, left + self.window[1])


def slide(values: Floats, window: Pair, stride: Pair, padding: Padding) -> Slide:
    """The way of `window` over `values` (h, w, c), padded with zeros as TensorFlow pads."""
    spans = [
        geometry.output(size, kernel, step, padding)
        for size, kernel, step in zip(values.shape, window, stride, strict=False)
    ]
    around = [(before, after) for _, before, after in spans]
    padded = np.pad(values, [*around, (0, 0)])
    inside = np.pad(np.ones(values.shape[:2], bool), around)
    return Slide(padded, ~inside, window, stride, (spans[0][0], spans[1][0]))


def convolve(
    values: Floats,
    kernels: Sequence[Floats],
    stride: Pair,
    padding: Padding,
    bias: Sequence[float],
    activation: Literal["relu"] | None,
) -> tuple[Floats, Floats, list[dict[str, Any]]]:
    """The maps (n, h', w'), the padded input (h, w, c) and the steps, of `values` (h, w, c).

    Each of `kernels`, (kh, kw, c), is laid over the input without being turned, as neural
    networks do: what mathematics calls cross-correlation. Channels are summed into one map.
    """
    way = slide(values, (kernels[0].shape[0], kernels[0].shape[1]), stride, padding)
    maps = np.zeros((len(kernels), *way.size))
    steps = []
    for index, (kernel, offset) in enumerate(zip(kernels, bias, strict=True)):
        for row, column, rows, columns in way.places():
            window = way.padded[rows, columns]
            products = window * kernel
            subtotals = products.sum(axis=(0, 1))
            total = float(subtotals.sum())
            value = total + offset
            value = max(0.0, value) if activation == "relu" else value
            maps[index, row, column] = value
            steps.append(
                {
                    "map": index,
                    "row": row,
                    "col": column,
                    "window": window,
                    "is_padding": way.padding[rows, columns],
                    "products": products,
                    "subtotals": subtotals,
                    "sum": total,
                    "bias": offset,
                    "value": value,
                }
            )
    return maps, way.padded, steps


def pool(
    values: Floats, window: Pair, stride: Pair, padding: Padding, method: Literal["max", "average"]
) -> tuple[Floats, list[dict[str, Any]]]:
    """The result (h', w', c) and the steps of `values` (h, w, c), one step a channel and place.

    Padding takes no part: it is never the maximum and does not count in the mean.
    """
    way = slide(values, window, stride, padding)
    result = np.zeros((*way.size, values.shape[2]))
    steps = []
    for channel in range(values.shape[2]):
        for row, column, rows, columns in way.places():
            seen = way.padded[rows, columns, channel]
            outside = way.padding[rows, columns]
            step: dict[str, Any] = {
                "channel": channel,
                "row": row,
                "col": column,
                "window": seen,
                "is_padding": outside,
            }
            if method == "max":
                value = float(seen[~outside].max())
                first, *ties = np.argwhere((seen == value) & ~outside).tolist()
                step["winner"] = {"row": first[0], "col": first[1]}
                step["ties"] = [{"row": r, "col": c} for r, c in ties]
            else:
                value = float(seen[~outside].mean())
            result[row, column, channel] = value
            steps.append({**step, "value": value})
    return result, steps
