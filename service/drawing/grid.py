"""Maps become a PNG: enlarged by nearest neighbour, side by side, with a scale one can read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.drawing import canvas, palettes
from service.drawing.canvas import Canvas, Tile
from service.drawing.palettes import Floats, Scale

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
    count = maps.shape[2]
    heading = f"{title}   {shape(maps)}"
    if scale == "layer":
        entries = np.ascontiguousarray(np.moveaxis(bar.entries(maps), -1, 0))
        alive = np.asarray(maps.any(axis=(0, 1)))
        tiles = [entries[i] if alive[i] else canvas.silent(*maps.shape[:2]) for i in range(count)]
        return draw(tiles, range(count), maps, bar, Caption(heading, "", scale))
    each = [maps[..., i] for i in range(count)]
    peaks = [_peak(one) for one in each]
    tiles = [_tile(one, bar.reaching(peak)) for one, peak in zip(each, peaks, strict=True)]
    labels = [f"{i}   {peak:.3g}" for i, peak in enumerate(peaks)]
    caption = Caption(heading, "each map up to its own peak, beside its index", scale, "peak")
    return draw(tiles, labels, maps, bar, caption)


def single(maps: Floats, title: str, index: int, scale: Literal["layer", "map"] = "layer") -> bytes:
    """A PNG of map `index` of `maps`, float32 (h, w, n), coloured as in the grid of all."""
    one, bar = maps[..., index], palettes.anchored(maps)
    heading = f"{title}   map {index}   {shape(one)}"
    if scale == "map":
        bar = bar.reaching(_peak(one))
    note = "" if scale == "map" else "on the layer's scale"
    return draw([_tile(one, bar)], [index], one, bar, Caption(heading, note, scale))


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
    tiles: Sequence[Tile],
    labels: Sequence[object],
    values: Floats,
    bar: Scale,
    caption: Caption,
    together: int = 1,
) -> bytes:
    """A PNG of `tiles` with a label under each and the bar of `values`.

    As many tiles as `together` says stay in one row: what belongs to one map.
    """
    height, width = tiles[0].shape[:2]
    columns = _columns(len(tiles), width, height, together)
    zoom = _zoom(columns, width, height, len(tiles))
    step_x, step_y = width * zoom + GAP, height * zoom + GAP + LABEL
    said = _said(values, caption, sum(map(canvas.is_silent, tiles)))
    words = max(canvas.length(caption.heading, 17), canvas.length(said, 12))
    sheet = Canvas(
        2 * MARGIN + max(columns * step_x - GAP, round(words) + 2 * MARGIN + BAR),
        HEAD + -(-len(tiles) // columns) * step_y + MARGIN,
        bar.table,
    )
    for i, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        left, top = MARGIN + (i % columns) * step_x, HEAD + (i // columns) * step_y
        sheet.tile(tile, zoom, left, top)
        _label(sheet, str(label), left, top + height * zoom + 2, width * zoom)
    sheet.word(caption.heading, 17, MARGIN, 14)
    sheet.word(said, 12, MARGIN, 42, canvas.FAINT)
    _bar(sheet, bar, caption)
    return sheet.png(_notes(values, bar, caption))


def _columns(count: int, width: int, height: int, together: int) -> int:
    """How many tiles a row holds: about twice as wide as high, and no group torn apart."""
    columns = min(count, max(1, round(math.sqrt(count * 2.0 * height / width))))
    columns = max(columns, min(count, 8))
    return columns if together > 4 * columns else max(1, columns // together) * together


def _zoom(columns: int, width: int, height: int, count: int) -> int:
    """The whole number by which every cell grows."""
    room = (WIDTH - (columns - 1) * GAP) // columns
    if count == 1:
        room = 560
    return max(1, min(MOST_ZOOM, room // width, 560 // height))


def _tile(values: Floats, scale: Scale) -> Tile:
    """The entries of one map, (h, w), or the sign for one that is zero everywhere."""
    return scale.entries(values) if values.any() else canvas.silent(*values.shape)


def _peak(values: Floats) -> float:
    return max(map(abs, palettes.extent(values)))


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


def _label(sheet: Canvas, label: str, left: int, top: int, room: int) -> None:
    """The label under a tile; its first word alone where there is no room for more, if any."""
    first, space, _ = label.partition(" ")
    fits = not space or canvas.length(label, 11) <= room
    if room >= 16:
        sheet.word(label if fits else first, 11, left, top, canvas.FAINT)


def _bar(sheet: Canvas, bar: Scale, caption: Caption) -> None:
    """The colour bar with its ends and its middle in numbers."""
    if bar.high <= bar.low:
        return
    left, top = sheet.width - MARGIN - BAR, 16
    sheet.bar(left, top, BAR, 12)
    middle = (bar.low + bar.high) / 2
    ends = [_number(bar.low), _number(middle), _number(bar.high)]
    if caption.end is not None:
        ends = [f"-{caption.end}" if bar.low < 0 else "0", "0" if bar.low < 0 else "", caption.end]
    for words, share in zip(ends, (0, 0.5, 1), strict=True):
        sheet.word(words, 12, left + share * (BAR - canvas.length(words, 12)), top + 16)


def _notes(values: Floats, bar: Scale, caption: Caption) -> dict[str, str]:
    low, high = palettes.extent(values)
    return {
        "Software": "convlens",
        "Title": caption.heading,
        "Shape": shape(values),
        "Dtype": values.dtype.name,
        "Minimum": repr(low),
        "Maximum": repr(high),
        "Scale": caption.scope,
        "Palette": bar.name,
    }


def shape(maps: Floats) -> str:
    """The sizes as words; Pillow's font has no multiplication sign."""
    return " x ".join(str(size) for size in maps.shape)


def _number(value: float) -> str:
    return f"{float(value):.4g}"
