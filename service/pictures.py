"""Maps become a PNG: enlarged by nearest neighbour, side by side, with a scale one can read."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from service import palettes
from service.palettes import Floats, Scale

Tile = NDArray[np.uint8]

GROUND = (243, 241, 236)
INK = (38, 40, 46)
FAINT = (120, 120, 124)
ZERO = (214, 211, 204), (190, 187, 180)
"""The two colours of the hatching of a map that is zero everywhere."""

WIDTH = 1040
MARGIN = 20
HEAD = 76
GAP = 6
LABEL = 14
MOST_ZOOM = 48


def grid(maps: Floats, title: str, scale: Literal["layer", "map"] = "layer") -> bytes:
    """A PNG of all `maps`, float32 (h, w, n), side by side under one scale or one each."""
    count = maps.shape[2]
    bar = palettes.anchored(maps)
    scales = [bar if scale == "layer" else palettes.anchored(maps[..., i]) for i in range(count)]
    tiles = [_colours(maps[..., i], scales[i]) for i in range(count)]
    note = "" if scale == "layer" else "each map on a scale of its own; the bar is the layer's"
    caption = Caption(f"{title}   {_shape(maps)}", note, scale)
    return draw(tiles, range(count), maps, bar, caption)


def single(one: Floats, title: str, index: int, limits: tuple[float, float] | None = None) -> bytes:
    """A PNG of one map, float32 (h, w); `limits` are those of the layer whose scale it shares."""
    bar = palettes.anchored(one if limits is None else np.array(limits, np.float32))
    heading = f"{title}   map {index}   {_shape(one)}"
    own = limits is None
    caption = Caption(heading, "" if own else "on the layer's scale", "map" if own else "layer")
    return draw([_colours(one, bar)], [index], one, bar, caption)


@dataclass(frozen=True, slots=True)
class Caption:
    """The words of a picture: its heading, a note beside the range, and what shares the scale."""

    heading: str
    note: str
    scope: str


def draw(
    tiles: Sequence[Tile], labels: Sequence[object], values: Floats, bar: Scale, caption: Caption
) -> bytes:
    """A PNG of `tiles`, uint8 (h, w, 3) each, with a label under each and the bar of `values`."""
    height, width, _ = tiles[0].shape
    count = len(tiles)
    columns = min(count, max(1, round(np.sqrt(count * 2.0 * height / width))))
    columns = max(columns, min(count, 8))
    zoom = _zoom(columns, width, height, count)
    step_x, step_y = width * zoom + GAP, height * zoom + GAP + LABEL
    rows = -(-count // columns)
    size = max(columns * step_x - GAP, 620) + 2 * MARGIN, HEAD + rows * step_y + MARGIN
    canvas = np.empty((size[1], size[0], 3), np.uint8)
    canvas[:] = GROUND
    places = [
        (MARGIN + (i % columns) * step_x, HEAD + (i // columns) * step_y) for i in range(count)
    ]
    for tile, (x, y) in zip(tiles, places, strict=True):
        large = tile.repeat(zoom, axis=0).repeat(zoom, axis=1) if tile.any() else _hatch(tile, zoom)
        canvas[y : y + height * zoom, x : x + width * zoom] = large
    image = Image.fromarray(canvas)
    pen = ImageDraw.Draw(image)
    if width * zoom >= 16:
        for label, (x, y) in zip(labels, places, strict=True):
            pen.text((x, y + height * zoom + 1), str(label), FAINT, _font(11))
    _head(pen, image, values, bar, caption)
    return _png(image, values, bar, caption)


def _zoom(columns: int, width: int, height: int, count: int) -> int:
    """The whole number by which every cell grows."""
    room = (WIDTH - (columns - 1) * GAP) // columns
    if count == 1:
        room = 560
    return max(1, min(MOST_ZOOM, room // width, 560 // height))


def _colours(values: Floats, scale: Scale) -> Tile:
    """Colours (h, w, 3); all black, which no palette holds, for a map that is zero everywhere."""
    if not values.any():
        return np.zeros((*values.shape, 3), np.uint8)
    return scale.colours(values)


def _hatch(tile: Tile, zoom: int) -> Tile:
    y, x = np.mgrid[: tile.shape[0] * zoom, : tile.shape[1] * zoom]
    return np.asarray(np.array(ZERO, np.uint8)[(x + y) // 3 % 2])


def _head(
    draw: ImageDraw.ImageDraw, image: Image.Image, maps: Floats, bar: Scale, caption: Caption
) -> None:
    """The title, the range in words, and the colour bar with its ends and its zero."""
    draw.text((MARGIN, 14), caption.heading, INK, _font(17))
    zeros = float((maps == 0).mean())
    said = f"minimum {_number(maps.min())}   maximum {_number(maps.max())}   zero {zeros:.0%}"
    if not maps.any():
        said = "every value is 0"
    elif caption.note:
        said += f"   {caption.note}"
    draw.text((MARGIN, 42), said, FAINT, _font(12))
    left, top, width, height = image.width - MARGIN - 200, 16, 200, 12
    if bar.high > bar.low:
        at = np.linspace(bar.low, bar.high, width, dtype=np.float32)
        strip = np.broadcast_to(bar.colours(at), (height, width, 3))
        image.paste(Image.fromarray(np.ascontiguousarray(strip)), (left, top))
        draw.text((left, top + 16), _number(bar.low), INK, _font(12))
        middle = _number((bar.low + bar.high) / 2)
        draw.text((left + width / 2, top + 16), middle, INK, _font(12), anchor="ma")
        draw.text((left + width, top + 16), _number(bar.high), INK, _font(12), anchor="ra")


def _png(image: Image.Image, maps: Floats, bar: Scale, caption: Caption) -> bytes:
    chunks = PngInfo()
    for key, value in {
        "Software": "convlens",
        "Title": caption.heading,
        "Shape": _shape(maps),
        "Minimum": repr(float(maps.min())),
        "Maximum": repr(float(maps.max())),
        "Scale": caption.scope,
        "Palette": bar.name,
    }.items():
        chunks.add_itxt(key, value)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=chunks, compress_level=3)
    return buffer.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _shape(maps: Floats) -> str:
    """Pillow's font has no multiplication sign."""
    return " x ".join(str(size) for size in maps.shape)


def _number(value: float) -> str:
    return f"{float(value):.4g}"
