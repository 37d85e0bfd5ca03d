"""Heatmaps over what the network saw become one PNG, several classes on one scale."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from service.drawing import grid, palettes
from service.drawing.canvas import Tile
from service.drawing.grid import Caption
from service.drawing.palettes import Floats

SIDE = 8
"""Pixels of the picture for one of the network's."""


def overlay(
    pixels: NDArray[np.uint8], heatmaps: Floats, labels: Sequence[str], title: str
) -> bytes:
    """A PNG of `heatmaps`, float32 (n, h', w'), over `pixels` (h, w, c), one a label."""
    bar = palettes.anchored(heatmaps)
    tiles = [_over(pixels, heat, bar) for heat in heatmaps]
    note = "heat enlarged smoothly over the grey input"
    return grid.draw(tiles, labels, heatmaps, bar, Caption(title, note, "layer"))


def _over(pixels: NDArray[np.uint8], heat: Floats, bar: palettes.Scale) -> Tile:
    grey = pixels.mean(axis=2, dtype=np.float32, keepdims=True)
    grey = grey.repeat(SIDE, axis=1).repeat(SIDE, axis=0)  # (h, w, 1)
    size = grey.shape[1], grey.shape[0]
    smooth = np.asarray(cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR), np.float32)
    share = smooth / bar.high if bar.high > 0 else np.zeros_like(smooth)
    cover = np.clip(share * 0.85, 0, 0.85)[..., np.newaxis]
    mixed = (24 + grey * 0.85) * (1 - cover) + bar.colours(smooth) * cover
    return np.asarray(np.rint(mixed), np.uint8)
