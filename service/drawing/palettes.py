"""Numbers become colours: three tables of RGB colours and the way a value picks its entry."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.uint8]
Floats = NDArray[np.float32]

COLOURS = 241
"""An odd number has a middle; what is left of 256 is for all that a picture holds besides."""


def _between(*anchors: str) -> Table:
    """The colours of a table, straight lines in RGB between evenly spaced anchors."""
    colours = np.array([[int(one[i : i + 2], 16) for i in (0, 2, 4)] for one in anchors])
    at = np.linspace(0, COLOURS - 1, len(anchors))
    channels = [np.interp(np.arange(COLOURS), at, colours[:, i]) for i in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


# Smith and van der Walt's viridis, as OpenCV carries it.
VIRIDIS: Table = np.asarray(
    cv2.applyColorMap(
        np.rint(np.linspace(0, 255, COLOURS)).astype(np.uint8)[np.newaxis], cv2.COLORMAP_VIRIDIS
    ),
    np.uint8,
)[0, :, ::-1]
# Brewer, Harrower and Pennsylvania State University: RdBu, turned so that red is positive.
BLUE_RED = _between(
    "053061", "2166ac", "4393c3", "92c5de", "d1e5f0", "f7f7f7",
    "fddbc7", "f4a582", "d6604d", "b2182b", "67001f",
)  # fmt: skip
# The same authors' BrBG: for kernels, so that weights never look like maps.
BROWN_TEAL = _between(
    "543005", "8c510a", "bf812d", "dfc27d", "f6e8c3", "f5f5f5",
    "c7eae5", "80cdc1", "35978f", "01665e", "003c30",
)  # fmt: skip
NOT_FINITE = (255, 0, 200)
"""Of no palette: the colour of NaN and of infinities."""

FIRST, MIDDLE = 0, COLOURS // 2


@dataclass(frozen=True, slots=True)
class Scale:
    """Finite values from `low` to `high` spread over `table`; 0 is one end of it or its middle.

    `zero` is the entry of every value where `low` and `high` are both 0.
    """

    name: str
    table: Table
    low: float
    high: float
    zero: int = FIRST

    def entries(self, values: Floats) -> NDArray[np.uint8]:
        """The place of each value in the table; COLOURS, one past its end, where not finite."""
        finite = np.isfinite(values)
        # The span of float32 values need not be one itself.
        wide = np.where(finite, values, 0).astype(np.float64)
        span, last = self.high - self.low, COLOURS - 1
        at = (wide - self.low) * (last / span) if span > 0 else np.full(wide.shape, self.zero)
        return np.where(finite, np.rint(np.clip(at, 0, last)), COLOURS).astype(np.uint8)

    def colours(self, values: Floats) -> NDArray[np.uint8]:
        """The RGB colours of `values`, of their shape and three more channels."""
        table = np.concatenate([self.table, np.array([NOT_FINITE], np.uint8)])
        return np.take(table, self.entries(values), axis=0)

    def reaching(self, peak: float) -> "Scale":
        """The same palette for values up to `peak` on either side of 0."""
        return replace(self, low=-peak if self.low < 0 else 0.0, high=peak)


def anchored(values: Floats) -> Scale:
    """The scale of a layer: viridis from 0 where nothing is negative, else blue-red around 0.

    One map of the layer may have a scale of its own, `reaching` as far, but keeps the palette.
    """
    low, high = extent(values)
    if low >= 0:
        return Scale("viridis", VIRIDIS, 0.0, high)
    return symmetric(values)


def symmetric(values: Floats, name: str = "blue-red") -> Scale:
    """A diverging scale with 0 in the middle, whatever the signs."""
    most = max(abs(end) for end in extent(values))
    return Scale(name, {"blue-red": BLUE_RED, "brown-teal": BROWN_TEAL}[name], -most, most, MIDDLE)


def extent(values: Floats) -> tuple[float, float]:
    """The least and the greatest finite value; zeros where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
