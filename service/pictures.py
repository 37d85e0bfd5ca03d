"""Maps become a PNG: enlarged by nearest neighbour, side by side, with a scale one can read."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
FAINT = (104, 104, 108)
EDGE = (205, 201, 193)
"""A line around every map: values near 0 of a diverging palette are almost the ground."""
ZERO = (214, 211, 204), (190, 187, 180)
"""The two colours of the hatching of a map that is zero everywhere."""

WIDTH = 1040
BAR = 200
MARGIN = 20
HEAD = 76
GAP = 6
LABEL = 14
MOST_ZOOM = 48


def grid(maps: Floats, title: str, scale: Literal["layer", "map"] = "layer") -> bytes:
    """A PNG of all `maps`, float32 (h, w, n), side by side under one scale or one each."""
    bar = palettes.anchored(maps)
    each = [maps[..., i] for i in range(maps.shape[2])]
    heading = f"{title}   {shape(maps)}"
    if scale == "layer":
        tiles = [_colours(one, bar) for one in each]
        return draw(tiles, range(len(each)), maps, bar, Caption(heading, "", scale))
    peaks = [max(map(abs, palettes.extent(one))) for one in each]
    tiles = [_colours(one, _reaching(bar, peak)) for one, peak in zip(each, peaks, strict=True)]
    labels = [f"{i}   {peak:.3g}" for i, peak in enumerate(peaks)]
    caption = Caption(heading, "each map up to its own peak, beside its index", scale, "peak")
    return draw(tiles, labels, maps, bar, caption)


def single(one: Floats, title: str, index: int, limits: tuple[float, float] | None = None) -> bytes:
    """A PNG of one map, float32 (h, w); `limits` are those of the layer whose scale it shares."""
    bar = palettes.anchored(one if limits is None else np.array(limits, np.float32))
    heading = f"{title}   map {index}   {shape(one)}"
    own = limits is None
    caption = Caption(heading, "" if own else "on the layer's scale", "map" if own else "layer")
    return draw([_colours(one, bar)], [index], one, bar, caption)


@dataclass(frozen=True, slots=True)
class Caption:
    """The words of a picture: its heading, a note beside the range, and what shares the scale.

    `end` stands at the end of the bar where that is no number that all tiles share.
    """

    heading: str
    note: str
    scope: str
    end: str | None = None


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
    said = _said(values, caption, sum(not tile.any() for tile in tiles))
    words = max(_font(17).getlength(caption.heading), _font(12).getlength(said))
    size = (
        2 * MARGIN + max(columns * step_x - GAP, round(words) + 2 * MARGIN + BAR),
        HEAD + rows * step_y + MARGIN,
    )
    canvas = np.empty((size[1], size[0], 3), np.uint8)
    canvas[0] = GROUND
    canvas[1:] = canvas[0]
    places = [
        (MARGIN + (i % columns) * step_x, HEAD + (i // columns) * step_y) for i in range(count)
    ]
    for tile, (x, y) in zip(tiles, places, strict=True):
        large = tile.repeat(zoom, axis=0).repeat(zoom, axis=1) if tile.any() else _hatch(tile, zoom)
        canvas[y - 1 : y + height * zoom + 1, x - 1 : x + width * zoom + 1] = EDGE
        canvas[y : y + height * zoom, x : x + width * zoom] = large
    image = Image.fromarray(canvas)
    pen = ImageDraw.Draw(image)
    for label, (x, y) in zip(labels, places, strict=True):
        _label(pen, str(label), (x, y + height * zoom + 2), width * zoom)
    pen.text((MARGIN, 14), caption.heading, INK, _font(17))
    pen.text((MARGIN, 42), said, FAINT, _font(12))
    _bar(pen, image, bar, caption)
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


def _reaching(scale: Scale, peak: float) -> Scale:
    """The same palette for values up to `peak` on either side of 0."""
    return replace(scale, low=-peak if scale.low < 0 else 0.0, high=peak)


def _said(values: Floats, caption: Caption, hatched: int) -> str:
    """The range in words, and what the signs beside the palette mean."""
    low, high = palettes.extent(values)
    unknown = int((~np.isfinite(values)).sum())
    if not values.any():
        parts = ["every value is 0"]
    else:
        zeros = float((values == 0).mean())
        parts = [f"minimum {_number(low)}", f"maximum {_number(high)}", f"zero {zeros:.0%}"]
    if caption.note:
        parts.append(caption.note)
    if hatched:
        parts.append(f"hatched: all zero ({hatched})")
    if unknown:
        parts.append(f"magenta: not a finite number ({unknown})")
    return "   ".join(parts)


def _label(pen: ImageDraw.ImageDraw, label: str, at: tuple[int, int], room: int) -> None:
    """The label under a tile; its first word alone where there is no room for more, if any."""
    first, space, _ = label.partition(" ")
    fits = not space or _font(11).getlength(label) <= room
    if room >= 16:
        pen.text(at, label if fits else first, FAINT, _font(11))


def _bar(pen: ImageDraw.ImageDraw, image: Image.Image, bar: Scale, caption: Caption) -> None:
    """The colour bar with its ends and its middle in numbers."""
    if bar.high <= bar.low:
        return
    left, top, height = image.width - MARGIN - BAR, 16, 12
    at = np.linspace(0, 255, BAR).round().astype(np.uint8)
    strip = np.broadcast_to(bar.table[at], (height, BAR, 3))
    image.paste(Image.fromarray(np.ascontiguousarray(strip)), (left, top))
    middle = (bar.low + bar.high) / 2
    ends = [_number(bar.low), _number(middle), _number(bar.high)]
    if caption.end is not None:
        ends = [f"-{caption.end}" if bar.low < 0 else "0", "0" if bar.low < 0 else "", caption.end]
    for words, x, anchor in zip(ends, (0, BAR // 2, BAR), ("la", "ma", "ra"), strict=True):
        pen.text((left + x, top + 16), words, INK, _font(12), anchor=anchor)


def _png(image: Image.Image, maps: Floats, bar: Scale, caption: Caption) -> bytes:
    chunks, (low, high) = PngInfo(), palettes.extent(maps)
    for key, value in {
        "Software": "convlens",
        "Title": caption.heading,
        "Shape": shape(maps),
        "Dtype": maps.dtype.name,
        "Minimum": repr(low),
        "Maximum": repr(high),
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


def shape(maps: Floats) -> str:
    """The sizes as words; Pillow's font has no multiplication sign."""
    return " x ".join(str(size) for size in maps.shape)


def _number(value: float) -> str:
    return f"{float(value):.4g}"
