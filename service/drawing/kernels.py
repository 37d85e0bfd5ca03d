"""Kernels become a PNG: brown below zero, teal above, or one colour picture a kernel."""

import numpy as np

from service.drawing import grid, palettes
from service.drawing.grid import Caption
from service.drawing.palettes import Floats

MAX_SLICES = 512
"""Up to this many slices (h, w) are drawn one by one; beyond, the mean over the input channels."""

GREY = np.repeat(
    np.rint(np.linspace(0, 255, palettes.COLOURS)).astype(np.uint8)[:, np.newaxis], 3, axis=1
)
"""Brightness of a channel in a composite, from the most negative weight to the most positive."""


def draw(kernels: Floats, title: str, first: int = 0, composite: bool = False) -> bytes:
    """A PNG of `kernels`, float32 (h, w, channels, maps), which belong to the maps from `first` on.

    `composite` draws the three channels of each kernel as red, green and blue around mid-grey.
    """
    height, width, channels, maps = kernels.shape
    names = [str(first + i) for i in range(maps)]
    heading = f"{title}   {grid.shape(kernels)}"
    scale = palettes.symmetric(kernels, "brown-teal")
    group = 1
    if composite:
        scale = palettes.Scale("red, green, blue", GREY, scale.low, scale.high)
        colours = np.rint(128 + 127 * kernels / (scale.high or 1.0)).astype(np.uint8)
        tiles = [colours[..., i] for i in range(maps)]
        note = "channels as red, green, blue; mid-grey is 0"
    elif channels * maps > MAX_SLICES:
        # Means lie far closer to 0 than weights: on the weights' scale they would all look blank.
        kernels = kernels.mean(axis=2)
        scale = palettes.symmetric(kernels, "brown-teal")
        tiles = [scale.indices(kernels[..., i]) for i in range(maps)]
        note = f"mean over the {channels} input channels"
    else:
        group = channels
        flat = kernels.transpose(0, 1, 3, 2).reshape(height, width, -1)  # (h, w, maps·channels)
        tiles = [scale.indices(flat[..., i]) for i in range(flat.shape[2])]
        names = [
            name if channels == 1 else f"{name}.{c}" for name in names for c in range(channels)
        ]
        note = "" if channels == 1 else "map.channel"
    return grid.draw(tiles, names, kernels, scale, Caption(heading, note, "layer"), group)
