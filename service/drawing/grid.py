"""Maps become a PNG: side by side, enlarged by nearest neighbour, with a labelled colour bar."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.drawing import canvas, palettes
from service.drawing.canvas import Canvas, Tile
from service.drawing.palettes import Floats, Scale

# In pixels.
WIDTH = 1040
BAR = 200
MARGIN = 20
HEAD = 76
GAP = 6
LABEL = 14
MAX_ZOOM = 48


def grid(maps: Floats, title: str, scale: Literal["layer", "map"] = "layer") -> bytes:
    """A PNG of all `maps`, float32 (h, w, n), side by side under one colour scale or one each."""
    shared = palettes.anchored(maps)
    count = maps.shape[2]
    heading = f"{title}   {shape(maps)}"
    if scale == "layer":
        indices = np.ascontiguousarray(np.moveaxis(shared.indices(maps), -1, 0))
        alive = np.asarray(maps.any(axis=(0, 1)))
        tiles = [indices[i] if alive[i] else canvas.all_zero(*maps.shape[:2]) for i in range(count)]
        return draw(tiles, range(count), maps, shared, Caption(heading, "", scale))
    each = [maps[..., i] for i in range(count)]
    peaks = [_peak(one) for one in each]
    tiles = [_tile(one, shared.with_peak(peak)) for one, peak in zip(each, peaks, strict=True)]
    labels = [f"{i}   {peak:.3g}" for i, peak in enumerate(peaks)]
    caption = Caption(heading, "each map up to its own peak, beside its index", scale, "peak")
    return draw(tiles, labels, maps, shared, caption)


def single(maps: Floats, title: str, index: int, scale: Literal["layer", "map"] = "layer") -> bytes:
    """A PNG of map `index` of `maps`, float32 (h, w, n), coloured as in the grid of all."""
    one, colours = maps[..., index], palettes.anchored(maps)
    heading = f"{title}   map {index}   {shape(one)}"
    if scale == "map":
        colours = colours.with_peak(_peak(one))
    note = "" if scale == "map" else "on the layer's scale"
    return draw([_tile(one, colours)], [index], one, colours, Caption(heading, note, scale))


@dataclass(frozen=True, slots=True)
class Caption:
    """The texts of a picture: `heading`, `note` beside the range, what `scope` a scale has.

    `end` labels the end of the colour bar where the tiles do not share one number.
    """

    heading: str
    note: str
    scope: str
    end: str | None = None


def draw(
    tiles: Sequence[Tile],
    labels: Sequence[object],
    values: Floats,
    scale: Scale,
    caption: Caption,
    group: int = 1,
) -> bytes:
    """A PNG of `tiles` with a label under each, the range of `values` and the bar of `scale`.

    A row holds whole groups of `group` tiles, such as the input channels of one kernel.
    """
    height, width = tiles[0].shape[:2]
    columns = _columns(len(tiles), width, height, group)
    zoom = _zoom(columns, width, height, len(tiles))
    step_x, step_y = width * zoom + GAP, height * zoom + GAP + LABEL
    summary = _summary(values, caption, sum(map(canvas.is_all_zero, tiles)))
    text_width = max(canvas.text_width(caption.heading, 17), canvas.text_width(summary, 12))
    sheet = Canvas(
        2 * MARGIN + max(columns * step_x - GAP, round(text_width) + 2 * MARGIN + BAR),
        HEAD + -(-len(tiles) // columns) * step_y + MARGIN,
        scale.table,
    )
    for i, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        left, top = MARGIN + (i % columns) * step_x, HEAD + (i // columns) * step_y
        sheet.tile(tile, zoom, left, top)
        _label(sheet, str(label), left, top + height * zoom + 2, width * zoom)
    sheet.text(caption.heading, 17, MARGIN, 14)
    sheet.text(summary, 12, MARGIN, 42, canvas.FAINT)
    _bar(sheet, scale, caption)
    return sheet.png(_notes(values, scale, caption))


def _columns(count: int, width: int, height: int, group: int) -> int:
    """How many tiles a row holds: about twice as wide as high, in whole groups."""
    columns = min(count, max(1, round(math.sqrt(count * 2.0 * height / width))))
    columns = max(columns, min(count, 8))
    return columns if group > 4 * columns else max(1, columns // group) * group


def _zoom(columns: int, width: int, height: int, count: int) -> int:
    """How many pixels wide and high a cell is drawn."""
    room = (WIDTH - (columns - 1) * GAP) // columns
    if count == 1:
        room = 560
    return max(1, min(MAX_ZOOM, room // width, 560 // height))


def _tile(values: Floats, scale: Scale) -> Tile:
    """The palette indices of one map, (h, w); the hatched tile if all its values are zero."""
    return scale.indices(values) if values.any() else canvas.all_zero(*values.shape)


def _peak(values: Floats) -> float:
    return max(map(abs, palettes.extent(values)))


def _summary(values: Floats, caption: Caption, hatched: int) -> str:
    """The range of `values` in words, and what hatching and magenta mean if they occur."""
    low, high = palettes.extent(values)
    not_finite = int((~np.isfinite(values)).sum())
    if not values.any():
        parts = ["every value is 0"]
    else:
        zeros = float((values == 0).mean())
        parts = [f"minimum {_number(low)}", f"maximum {_number(high)}", f"zero {zeros:.0%}"]
    if caption.note:
        parts.append(caption.note)
    if hatched:
        parts.append(f"hatched: all zero ({hatched})")
    if not_finite:
        parts.append(f"magenta: not a finite number ({not_finite})")
    return "   ".join(parts)


def _label(sheet: Canvas, label: str, left: int, top: int, room: int) -> None:
    """Write `label` under a tile `room` pixels wide: if too long its first word, or nothing."""
    first, space, _ = label.partition(" ")
    fits = not space or canvas.text_width(label, 11) <= room
    if room >= 16:
        sheet.text(label if fits else first, 11, left, top, canvas.FAINT)


def _bar(sheet: Canvas, scale: Scale, caption: Caption) -> None:
    """Draw the colour bar with the numbers of its ends and its middle."""
    if scale.high <= scale.low:
        return
    left, top = sheet.width - MARGIN - BAR, 16
    sheet.bar(left, top, BAR, 12)
    middle = (scale.low + scale.high) / 2
    ends = [_number(scale.low), _number(middle), _number(scale.high)]
    if caption.end is not None:
        signed = scale.low < 0
        ends = [f"-{caption.end}" if signed else "0", "0" if signed else "", caption.end]
    for text, share in zip(ends, (0, 0.5, 1), strict=True):
        sheet.text(text, 12, left + share * (BAR - canvas.text_width(text, 12)), top + 16)


def _notes(values: Floats, scale: Scale, caption: Caption) -> dict[str, str]:
    low, high = palettes.extent(values)
    return {
        "Software": "convlens",
        "Title": caption.heading,
        "Shape": shape(values),
        "Dtype": values.dtype.name,
        "Minimum": repr(low),
        "Maximum": repr(high),
        "Scale": caption.scope,
        "Palette": scale.name,
    }


def shape(maps: Floats) -> str:
    """A shape as text, with x because Pillow's font has no multiplication sign."""
    return " x ".join(str(size) for size in maps.shape)


def _number(value: float) -> str:
    return f"{float(value):.4g}"
