"""Palette indices, text and tiles become one PNG: with a palette (1 byte a pixel), or RGB where a
tile has colours of its own.

A PNG palette holds 256 colours. A colour scale takes 241 of them. The rest are the colour of
values that are not finite, the lines, the hatching, and a ramp of shades from the background to
the text colour that keeps letters smooth.
"""

from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from service.drawing import png
from service.drawing.palettes import COLOURS, NOT_FINITE, Table

Tile = NDArray[np.uint8]
"""One map: palette indices (h, w), or RGB colours (h, w, 3)."""

BACKGROUND = (243, 241, 236)
TEXT = (38, 40, 46)
EDGE = (205, 201, 193)
"""Colour of the line around every map: values near 0 of a diverging scale are almost white."""
HATCH = (214, 211, 204), (190, 187, 180)
"""The two colours that hatch a map whose values are all zero."""

EDGE_INDEX = COLOURS + 1
HATCH_INDEX = COLOURS + 2
SHADES = 11
BACKGROUND_INDEX = 256 - SHADES
FAINT, FULL = 7, SHADES - 1
"""Shades of text: steps from the background towards the text colour."""

_RAMP = np.rint(np.linspace(BACKGROUND, TEXT, SHADES)).astype(np.uint8)
_FIXED = np.concatenate([np.array([NOT_FINITE, EDGE, *HATCH], np.uint8), _RAMP])


class Canvas:
    """A picture of `width` × `height` pixels whose maps are coloured by `table`, uint8 (241, 3)."""

    def __init__(self, width: int, height: int, table: Table) -> None:
        self.width = width
        self._indices = np.full((height, width), BACKGROUND_INDEX, np.uint8)
        self._palette = np.concatenate([table, _FIXED])  # (256, 3)
        self._colours: list[tuple[slice, slice, Tile]] = []

    def tile(self, tile: Tile, zoom: int, left: int, top: int) -> None:
        """Draw `tile` with every cell `zoom` pixels wide, and a line around it."""
        large = _hatch(tile, zoom) if is_all_zero(tile) else tile.repeat(zoom, 1).repeat(zoom, 0)
        height, width = large.shape[:2]
        self._indices[top - 1 : top + height + 1, left - 1 : left + width + 1] = EDGE_INDEX
        at = slice(top, top + height), slice(left, left + width)
        if large.ndim == 3:
            self._colours.append((*at, large))
        else:
            self._indices[at] = large

    def text(self, text: str, size: int, left: float, top: int, shade: int = FULL) -> None:
        """Write `text` at (`left`, `top`) in pixels; what passes the picture's edge is cut off."""
        letters = _letters(text, size, shade)
        x = round(left)
        spot = self._indices[top : top + letters.shape[0], x : x + letters.shape[1]]
        np.maximum(spot, letters[: spot.shape[0], : spot.shape[1]], out=spot)

    def bar(self, left: int, top: int, width: int, height: int) -> None:
        """Draw the whole colour scale from left to right."""
        at = np.rint(np.linspace(0, COLOURS - 1, width)).astype(np.uint8)
        self._indices[top : top + height, left : left + width] = at

    def png(self, notes: dict[str, str]) -> bytes:
        """The picture as a PNG with `notes` in its text chunks."""
        if self._colours:
            return png.encode(self._rgb(), None, notes)
        return png.encode(self._indices, self._palette, notes)

    def _rgb(self) -> NDArray[np.uint8]:
        pixels = np.asarray(
            cv2.applyColorMap(self._indices, self._palette[:, np.newaxis]), np.uint8
        )
        for rows, columns, colours in self._colours:
            pixels[rows, columns] = colours
        return pixels


def is_all_zero(tile: Tile) -> bool:
    """Whether `tile` stands for a map whose values are all zero."""
    return tile.ndim == 2 and bool(tile[0, 0] == HATCH_INDEX)


def all_zero(height: int, width: int) -> Tile:
    """The tile that stands for a map whose values are all zero."""
    return np.full((height, width), HATCH_INDEX, np.uint8)


@lru_cache(maxsize=2048)
def text_width(text: str, size: int) -> float:
    """How many pixels wide `text` is."""
    return _font(size).getlength(text)


def _hatch(tile: Tile, zoom: int) -> Tile:
    y, x = np.mgrid[: tile.shape[0] * zoom, : tile.shape[1] * zoom]
    return np.asarray(HATCH_INDEX + (x + y) // 3 % 2, np.uint8)


@lru_cache(maxsize=2048)
def _letters(text: str, size: int, shade: int) -> NDArray[np.uint8]:
    """The palette indices of `text`, (h, w)."""
    _, _, right, bottom = _font(size).getbbox(text)
    image = Image.new("L", (max(1, round(right)), max(1, round(bottom))))
    ImageDraw.Draw(image).text((0, 0), text, 255, _font(size))
    return np.asarray(BACKGROUND_INDEX + np.rint(np.asarray(image) * (shade / 255)), np.uint8)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
