"""Arrays and kernels become their convolution or pooling, with every step."""

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
class SlidingWindow:
    """A window at every position of an input, in steps of `stride`, in row-major order.

    `padded` is the input with its padding, (h, w, c), `padding` (h, w) is true in the padding, and
    `size` is the output's height and width.
    """

    padded: Floats
    padding: NDArray[np.bool_]
    window: Pair
    stride: Pair
    size: Pair

    def positions(self) -> Iterator[tuple[int, int, slice, slice]]:
        """The output's row and column, and the rows and columns of `padded` under the window."""
        for row in range(self.size[0]):
            for column in range(self.size[1]):
                top, left = row * self.stride[0], column * self.stride[1]
                rows = slice(top, top + self.window[0])
                yield row, column, rows, slice(left, left + self.window[1])


def slide(values: Floats, window: Pair, stride: Pair, padding: Padding) -> SlidingWindow:
    """Slide `window` over `values` (h, w, c), padded with zeros as TensorFlow pads."""
    spans = [
        geometry.output(size, kernel, step, padding)
        for size, kernel, step in zip(values.shape, window, stride, strict=False)
    ]
    around = [(before, after) for _, before, after in spans]
    padded = np.pad(values, [*around, (0, 0)])
    inside = np.pad(np.ones(values.shape[:2], bool), around)
    return SlidingWindow(padded, ~inside, window, stride, (spans[0][0], spans[1][0]))


def convolve(
    values: Floats,
    kernels: Sequence[Floats],
    stride: Pair,
    padding: Padding,
    bias: Sequence[float],
    activation: Literal["relu"] | None,
) -> tuple[Floats, Floats, list[dict[str, Any]]]:
    """The maps (n, h', w'), the padded input (h, w, c) and the steps, for `values` (h, w, c).

    Each of the n `kernels`, (kh, kw, c), gives one map, whose cells are
    activation(Σ window · kernel + bias). Kernels are not flipped, as in neural networks: this is
    cross-correlation. A step describes one cell, see `schemas.ConvolutionStep`.
    """
    sliding = slide(values, (kernels[0].shape[0], kernels[0].shape[1]), stride, padding)
    maps = np.zeros((len(kernels), *sliding.size))
    steps = []
    for index, (kernel, offset) in enumerate(zip(kernels, bias, strict=True)):
        for row, column, rows, columns in sliding.positions():
            window = sliding.padded[rows, columns]
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
                    "is_padding": sliding.padding[rows, columns],
                    "products": products,
                    "subtotals": subtotals,
                    "sum": total,
                    "bias": offset,
                    "value": value,
                }
            )
    return maps, sliding.padded, steps


def pool(
    values: Floats, window: Pair, stride: Pair, padding: Padding, method: Literal["max", "average"]
) -> tuple[Floats, list[dict[str, Any]]]:
    """The result (h', w', c) and the steps for `values` (h, w, c).

    Padding is never the maximum and does not count in the mean. A step describes one cell of one
    channel, see `schemas.PoolingStep`.
    """
    sliding = slide(values, window, stride, padding)
    result = np.zeros((*sliding.size, values.shape[2]))
    steps = []
    for channel in range(values.shape[2]):
        for row, column, rows, columns in sliding.positions():
            cells = sliding.padded[rows, columns, channel]
            is_padding = sliding.padding[rows, columns]
            step: dict[str, Any] = {
                "channel": channel,
                "row": row,
                "col": column,
                "window": cells,
                "is_padding": is_padding,
            }
            if method == "max":
                value = float(cells[~is_padding].max())
                first, *ties = np.argwhere((cells == value) & ~is_padding).tolist()
                step["winner"] = {"row": first[0], "col": first[1]}
                step["ties"] = [{"row": r, "col": c} for r, c in ties]
            else:
                value = float(cells[~is_padding].mean())
            result[row, column, channel] = value
            steps.append({**step, "value": value})
    return result, steps
