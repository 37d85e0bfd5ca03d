"""Values become indices into a table of colours, or RGB colours: three tables, two scales."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.uint8]
"""RGB colours, (COLOURS, 3)."""
Floats = NDArray[np.float32]

COLOURS = 241
"""Odd, so that a scale has a middle colour; the other 15 of a PNG palette are the canvas's."""


def _interpolated(*anchors: str) -> Table:
    """A table whose colours run in straight lines in RGB between evenly spaced `anchors`."""
    colours = np.array([[int(one[i : i + 2], 16) for i in (0, 2, 4)] for one in anchors])
    at = np.linspace(0, COLOURS - 1, len(anchors))
    channels = [np.interp(np.arange(COLOURS), at, colours[:, i]) for i in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


# Viridis, by Smith and van der Walt, taken from OpenCV.
VIRIDIS: Table = np.asarray(
    cv2.applyColorMap(
        np.rint(np.linspace(0, 255, COLOURS)).astype(np.uint8)[np.newaxis], cv2.COLORMAP_VIRIDIS
    ),
    np.uint8,
)[0, :, ::-1]
# RdBu, by Brewer, Harrower and Pennsylvania State University, reversed: red is positive.
BLUE_RED = _interpolated(
    "053061", "2166ac", "4393c3", "92c5de", "d1e5f0", "f7f7f7",
    "fddbc7", "f4a582", "d6604d", "b2182b", "67001f",
)  # fmt: skip
# BrBG, by the same authors, for kernels, so that weights never look like maps.
BROWN_TEAL = _interpolated(
    "543005", "8c510a", "bf812d", "dfc27d", "f6e8c3", "f5f5f5",
    "c7eae5", "80cdc1", "35978f", "01665e", "003c30",
)  # fmt: skip
NOT_FINITE = (255, 0, 200)
"""Colour of NaN and of infinities; no table has it."""

FIRST, MIDDLE = 0, COLOURS // 2


@dataclass(frozen=True, slots=True)
class Scale:
    """Finite values from `low` to `high` spread over `table`; 0 is its first or its middle colour.

    `zero` is the index of every value where `low` and `high` are both 0.
    """

    name: str
    table: Table
    low: float
    high: float
    zero: int = FIRST

    def indices(self, values: Floats) -> NDArray[np.uint8]:
        """The index of each value in the table, in the shape of `values`; COLOURS if not finite."""
        finite = np.isfinite(values)
        # The span from one float32 to another can be larger than any float32.
        wide = np.where(finite, values, 0).astype(np.float64)
        span, last = self.high - self.low, COLOURS - 1
        at = (wide - self.low) * (last / span) if span > 0 else np.full(wide.shape, self.zero)
        return np.where(finite, np.rint(np.clip(at, 0, last)), COLOURS).astype(np.uint8)

    def colours(self, values: Floats) -> NDArray[np.uint8]:
        """The RGB colours of `values` (…), as (…, 3)."""
        table = np.concatenate([self.table, np.array([NOT_FINITE], np.uint8)])
        return np.take(table, self.indices(values), axis=0)

    def with_peak(self, peak: float) -> "Scale":
        """The same table for values from 0, or from −`peak` if signed, to `peak`."""
        return replace(self, low=-peak if self.low < 0 else 0.0, high=peak)


def anchored(values: Floats) -> Scale:
    """The scale of a layer: viridis from 0 if no value is negative, else blue-red around 0.

    A map with a range of its own keeps the layer's table, see `Scale.with_peak`.
    """
    low, high = extent(values)
    if low >= 0:
        return Scale("viridis", VIRIDIS, 0.0, high)
    return symmetric(values)


def symmetric(values: Floats, name: str = "blue-red") -> Scale:
    """A diverging scale with 0 in the middle, even if all values have one sign."""
    most = max(abs(end) for end in extent(values))
    return Scale(name, {"blue-red": BLUE_RED, "brown-teal": BROWN_TEAL}[name], -most, most, MIDDLE)


def extent(values: Floats) -> tuple[float, float]:
    """The least and the greatest finite value; zeros if there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
