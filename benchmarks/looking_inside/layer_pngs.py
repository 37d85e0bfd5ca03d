"""`python -m benchmarks.looking_inside.layer_pngs`: CPU time of drawing a layer's PNG.

Compares it with the code of the first version, which this module keeps. Prints a line for each
layer of the lecture's networks; figures are medians of the CPU time of one thread, both in turn.
"""

import io
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from service.drawing import canvas, grid, palettes
from service.drawing.palettes import Floats

ROUNDS = 30
LAYERS = {"conv1": (26, 26, 32), "pool1": (13, 13, 32), "conv2": (11, 11, 64), "conv3": (8, 8, 128)}


def main() -> None:
    """Prints the table."""
    random = np.random.default_rng(1)
    print(
        f"{'layer':6} {'shape':>10} {'first ms':>9} {'now ms':>7} {'ratio':>6} {'first kB':>9}",
        "now kB",
    )
    for name, shape in LAYERS.items():
        # Smooth and half of it zero, as the output of a ReLU is.
        noise = random.normal(size=shape)
        for axis in (0, 1):
            noise += np.roll(noise, 1, axis) + np.roll(noise, 2, axis)
        maps = np.maximum(noise, 0).astype(np.float32)
        ways = [partial(first, maps, name), partial(grid.grid, maps, name)]
        before, after = _in_turns(ways)
        sizes = [len(way()) for way in ways]
        print(
            f"{name:6} {'×'.join(map(str, shape)):>10} {before:9.1f} {after:7.1f}"
            f" {before / after:6.1f} {sizes[0] / 1000:9.1f} {sizes[1] / 1000:6.1f}"
        )


def _in_turns(ways: Sequence[Callable[[], bytes]]) -> list[float]:
    """The median CPU time of each function in ms; the functions are called in turn."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, taken in zip(ways, times, strict=True):
            start = time.thread_time()
            way()
            taken.append(1000 * (time.thread_time() - start))
    return [statistics.median(taken) for taken in times]


def first(maps: Floats, title: str) -> bytes:
    """The grid as the first version drew it: RGB pixels, and text drawn glyph by glyph."""
    height, width, count = maps.shape
    bar = palettes.anchored(maps)
    columns = grid._columns(count, width, height, 1)
    zoom = grid._zoom(columns, width, height, count)
    step_x, step_y = width * zoom + grid.GAP, height * zoom + grid.GAP + grid.LABEL
    wide = max(columns * step_x - grid.GAP, 620) + 2 * grid.MARGIN
    high = grid.HEAD + -(-count // columns) * step_y + grid.MARGIN
    sheet = np.empty((high, wide, 3), np.uint8)
    sheet[:] = canvas.BACKGROUND
    places = []
    for i in range(count):
        x = grid.MARGIN + (i % columns) * step_x
        y = grid.HEAD + (i // columns) * step_y
        colours = bar.colours(maps[..., i]).repeat(zoom, axis=0).repeat(zoom, axis=1)
        sheet[y : y + height * zoom, x : x + width * zoom] = colours
        places.append((x, y + height * zoom + 1))
    image = Image.fromarray(sheet)
    pen = ImageDraw.Draw(image)
    for i, place in enumerate(places):
        pen.text(place, str(i), canvas.TEXT, canvas._font(11))
    pen.text((grid.MARGIN, 14), title, canvas.TEXT, canvas._font(17))
    chunks, buffer = PngInfo(), io.BytesIO()
    chunks.add_itxt("Title", title)
    image.save(buffer, "PNG", pnginfo=chunks, compress_level=3)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
