"""Heatmaps and the input that they explain become one PNG; the classes share a colour scale."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from service.drawing import grid, palettes
from service.drawing.canvas import Tile
from service.drawing.grid import Caption
from service.drawing.palettes import Floats

ZOOM = 8
"""Width in the picture, in pixels, of one pixel of the input."""


def overlay(
    pixels: NDArray[np.uint8], heatmaps: Floats, labels: Sequence[str], title: str
) -> bytes:
    """A PNG of `heatmaps`, float32 (n, h', w'), over the input `pixels` (h, w, c), n `labels`."""
    scale = palettes.anchored(heatmaps)
    tiles = [_blend(pixels, heat, scale) for heat in heatmaps]
    note = "heat enlarged smoothly over the grey input"
    return grid.draw(tiles, labels, heatmaps, scale, Caption(title, note, "layer"))


def _blend(pixels: NDArray[np.uint8], heat: Floats, scale: palettes.Scale) -> Tile:
    """RGB (ZOOM·h, ZOOM·w, 3): the grey input, covered in proportion to the heat, at most 85 %."""
    grey = pixels.mean(axis=2, dtype=np.float32, keepdims=True)
    grey = grey.repeat(ZOOM, axis=1).repeat(ZOOM, axis=0)  # (ZOOM·h, ZOOM·w, 1)
    size = grey.shape[1], grey.shape[0]
    smooth = np.asarray(cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR), np.float32)
    share = smooth / scale.high if scale.high > 0 else np.zeros_like(smooth)
    opacity = np.clip(share * 0.85, 0, 0.85)[..., np.newaxis]
    mixed = (24 + grey * 0.85) * (1 - opacity) + scale.colours(smooth) * opacity
    return np.asarray(np.rint(mixed), np.uint8)
