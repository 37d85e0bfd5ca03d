"""Kernels become a PNG: brown below zero, teal above, or one colour picture a kernel."""

import numpy as np

from service.drawing import grid, palettes
from service.drawing.grid import Caption
from service.drawing.palettes import Floats

MOST = 512
"""Up to this many slices are drawn one by one; beyond, the mean over the input channels."""

GREY = np.repeat(
    np.rint(np.linspace(0, 255, palettes.COLOURS)).astype(np.uint8)[:, np.newaxis], 3, axis=1
)
"""What each channel of a composite means, from the most negative weight to the most positive."""


def draw(kernels: Floats, title: str, first: int = 0, composite: bool = False) -> bytes:
    """A PNG of `kernels`, float32 (h, w, channels, maps), of the maps from `first` on.

    `composite` draws the three channels of each kernel as red, green and blue around mid-grey.
    """
    height, width, channels, maps = kernels.shape
    names = [str(first + i) for i in range(maps)]
    heading = f"{title}   {grid.shape(kernels)}"
    bar = palettes.symmetric(kernels, "brown-teal")
    together = 1
    if composite:
        bar = palettes.Scale("red, green, blue", GREY, bar.low, bar.high)
        span = bar.high or 1.0
        colours = np.rint(128 + 127 * kernels / span).astype(np.uint8)
        tiles = [colours[..., i] for i in range(maps)]
        note = "channels as red, green, blue; mid-grey is 0"
    elif channels * maps > MOST:
        # Means lie far closer to 0 than weights: on the weights' scale they would all look blank.
        kernels = kernels.mean(axis=2)
        bar = palettes.symmetric(kernels, "brown-teal")
        tiles = [bar.entries(kernels[..., i]) for i in range(maps)]
        note = f"mean over the {channels} input channels"
    else:
        together = channels
        flat = kernels.transpose(0, 1, 3, 2).reshape(height, width, -1)
        tiles = [bar.entries(flat[..., i]) for i in range(flat.shape[2])]
        names = [
            name if channels == 1 else f"{name}.{c}" for name in names for c in range(channels)
        ]
        note = "" if channels == 1 else "map.channel"
    return grid.draw(tiles, names, kernels, bar, Caption(heading, note, "layer"), together)
