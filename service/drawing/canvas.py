"""Entries of a palette, words and tiles become one PNG: a byte a pixel, or three where it must.

A palette holds 256 colours. A scale's table has 241 of them; the rest are the ground, the ink and
the shades between, so that words stay smooth, and the colours that no table holds.
"""

from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from service.drawing import png
from service.drawing.palettes import COLOURS, NOT_FINITE, Table

Tile = NDArray[np.uint8]
"""Entries of the palette (h, w), or colours (h, w, 3)."""

GROUND = (243, 241, 236)
INK = (38, 40, 46)
EDGE = (205, 201, 193)
"""A line around every map: values near 0 of a diverging palette are almost the ground."""
ZERO = (214, 211, 204), (190, 187, 180)
"""The two colours of the hatching of a map that is zero everywhere."""

SILENT = COLOURS + 2
SHADES = 11
PAPER = 256 - SHADES
FAINT, FULL = 7, SHADES - 1

_RAMP = np.rint(np.linspace(GROUND, INK, SHADES)).astype(np.uint8)
_FIXED = np.concatenate([np.array([NOT_FINITE, EDGE, *ZERO], np.uint8), _RAMP])


class Canvas:
    """A sheet of `width` × `height` pixels whose maps are coloured by `table`."""

    def __init__(self, width: int, height: int, table: Table) -> None:
        self.width = width
        self._entries = np.full((height, width), PAPER, np.uint8)
        self._palette = np.concatenate([table, _FIXED])  # (256, 3)
        self._colours: list[tuple[slice, slice, Tile]] = []

    def tile(self, tile: Tile, zoom: int, left: int, top: int) -> None:
        """Put `tile` down with every cell `zoom` pixels wide, and a line around it."""
        large = _hatch(tile, zoom) if is_silent(tile) else tile.repeat(zoom, 1).repeat(zoom, 0)
        height, width = large.shape[:2]
        self._entries[top - 1 : top + height + 1, left - 1 : left + width + 1] = COLOURS + 1
        at = slice(top, top + height), slice(left, left + width)
        if large.ndim == 3:
            self._colours.append((*at, large))
        else:
            self._entries[at] = large

    def word(self, text: str, size: int, left: float, top: int, shade: int = FULL) -> None:
        """Write `text` with its upper left corner there; what does not fit is cut off."""
        ink = _written(text, size, shade)
        x = round(left)
        spot = self._entries[top : top + ink.shape[0], x : x + ink.shape[1]]
        np.maximum(spot, ink[: spot.shape[0], : spot.shape[1]], out=spot)

    def bar(self, left: int, top: int, width: int, height: int) -> None:
        """The whole table from left to right."""
        at = np.rint(np.linspace(0, COLOURS - 1, width)).astype(np.uint8)
        self._entries[top : top + height, left : left + width] = at

    def png(self, notes: dict[str, str]) -> bytes:
        """The sheet as a PNG with `notes` in its text chunks."""
        if self._colours:
            return png.encode(self._painted(), None, notes)
        return png.encode(self._entries, self._palette, notes)

    def _painted(self) -> NDArray[np.uint8]:
        pixels = np.asarray(
            cv2.applyColorMap(self._entries, self._palette[:, np.newaxis]), np.uint8
        )
        for rows, columns, colours in self._colours:
            pixels[rows, columns] = colours
        return pixels


def is_silent(tile: Tile) -> bool:
    """Whether `tile` stands for a map that is zero everywhere."""
    return tile.ndim == 2 and bool(tile[0, 0] == SILENT)


def silent(height: int, width: int) -> Tile:
    """The tile of a map that is zero everywhere."""
    return np.full((height, width), SILENT, np.uint8)


@lru_cache(maxsize=2048)
def length(text: str, size: int) -> float:
    """How many pixels wide `text` is."""
    return _font(size).getlength(text)


def _hatch(tile: Tile, zoom: int) -> Tile:
    y, x = np.mgrid[: tile.shape[0] * zoom, : tile.shape[1] * zoom]
    return np.asarray(SILENT + (x + y) // 3 % 2, np.uint8)


@lru_cache(maxsize=2048)
def _written(text: str, size: int, shade: int) -> NDArray[np.uint8]:
    _, _, right, bottom = _font(size).getbbox(text)
    image = Image.new("L", (max(1, round(right)), max(1, round(bottom))))
    ImageDraw.Draw(image).text((0, 0), text, 255, _font(size))
    return np.asarray(PAPER + np.rint(np.asarray(image) * (shade / 255)), np.uint8)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
