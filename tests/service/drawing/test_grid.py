"""PNGs of maps: the colour of every cell is the colour of its value."""

import io
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from service.drawing import canvas, grid, kernels, palettes
from service.drawing.palettes import Floats


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    image.load()
    return image


def maps(*shape: int, low: float = 0.0, high: float = 4.0) -> Floats:
    return np.random.default_rng(2).uniform(low, high, shape).astype(np.float32)


def tile(image: Image.Image, size: int) -> tuple[Floats, int]:
    """The first map's pixels, and by how much it was enlarged, found by its own edges."""
    pixels = np.asarray(image.convert("RGB"))
    row = pixels[grid.HEAD, grid.MARGIN :]
    width = int(np.argmax((row == canvas.EDGE).all(axis=1)))
    assert width % size == 0
    zoom = width // size
    top, left = grid.HEAD, grid.MARGIN
    return pixels[top : top + width, left : left + width].astype(np.float32), zoom


@pytest.mark.parametrize(("low", "name"), [(0.0, "viridis"), (-4.0, "blue-red")])
def test_every_cell_has_the_colour_of_its_value(low: float, name: str) -> None:
    values = maps(6, 6, 5, low=low)
    image = opened(grid.grid(values, "net · conv1"))
    pixels, zoom = tile(image, 6)
    expected = palettes.anchored(values).colours(values[..., 0])
    assert (pixels[zoom // 2 :: zoom, zoom // 2 :: zoom] == expected).all()
    assert (pixels[::zoom, ::zoom] == expected).all()
    assert image.info["Palette"] == name


def test_layer_scale_is_shared_and_map_scale_is_not() -> None:
    values = maps(6, 6, 2)
    values[..., 0] /= 10
    dim, _ = tile(opened(grid.grid(values, "t", "layer")), 6)
    bright, _ = tile(opened(grid.grid(values, "t", "map")), 6)
    top = palettes.VIRIDIS[-1]
    assert not (dim == top).all(axis=2).any()
    assert (bright == top).all(axis=2).any()


def test_zero_is_one_end_of_the_scale_even_when_no_value_is_near() -> None:
    scale = palettes.anchored(maps(3, 3, low=3.0, high=4.0))
    assert (scale.low, scale.colours(np.zeros(1, np.float32)).tolist()) == (
        0.0,
        [palettes.VIRIDIS[0].tolist()],
    )


def test_signed_values_have_zero_in_the_middle() -> None:
    scale = palettes.anchored(np.array([-1.0, 3.0], np.float32))
    assert (scale.low, scale.high) == (-3.0, 3.0)
    (middle,) = scale.colours(np.zeros(1, np.float32))
    assert (abs(middle.astype(int) - 247) <= 4).all()


def test_all_zero_map_is_hatched_in_colours_of_no_palette() -> None:
    values = maps(6, 6, 3)
    values[..., 0] = 0
    pixels, _ = tile(opened(grid.grid(values, "t")), 6)
    colours = {tuple(int(v) for v in colour) for colour in pixels.reshape(-1, 3)}
    assert colours == set(canvas.HATCH)
    for table in (palettes.VIRIDIS, palettes.BLUE_RED, palettes.BROWN_TEAL):
        assert colours.isdisjoint(map(tuple, table.tolist()))
        assert {canvas.BACKGROUND, canvas.EDGE}.isdisjoint(map(tuple, table.tolist()))


@pytest.mark.parametrize("value", [0.0, 2.5, -2.5, 1e-42, -1e-42, 3e38, -3e38])
@pytest.mark.parametrize("scale", ["layer", "map"])
def test_constant_maps_are_drawn_without_division_by_zero(
    value: float, scale: Literal["layer", "map"]
) -> None:
    values = np.full((4, 4, 2), value, np.float32)
    opened(grid.grid(values, "t", scale))
    opened(grid.single(values, "t", 0, scale))


def test_one_map_on_its_own_scale_keeps_the_layers_palette() -> None:
    values = maps(6, 6, 2)
    values[..., 1] *= -1
    pixels, zoom = tile(opened(grid.grid(values, "t", "map")), 6)
    peak = values[..., 0].max()
    expected = palettes.symmetric(np.array([peak], np.float32)).colours(values[..., 0])
    assert (pixels[::zoom, ::zoom] == expected).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("low", [0.0, -4.0])
def test_values_not_finite_have_their_own_colour_and_change_no_other(
    value: float, low: float
) -> None:
    values = maps(6, 6, 2, low=low)
    expected = palettes.anchored(values).colours(values[..., 0])
    values[5, 5, 1] = value
    pixels, zoom = tile(opened(grid.grid(values, "t")), 6)
    assert (pixels[::zoom, ::zoom] == expected).all()
    values[2, 3, 0] = value
    image = opened(grid.grid(values, "t"))
    pixels, zoom = tile(image, 6)
    assert tuple(pixels[2 * zoom, 3 * zoom]) == palettes.NOT_FINITE
    assert np.isfinite([float(image.info["Minimum"]), float(image.info["Maximum"])]).all()
    for table in (palettes.VIRIDIS, palettes.BLUE_RED, palettes.BROWN_TEAL):
        assert palettes.NOT_FINITE not in set(map(tuple, table.tolist()))


def test_maps_without_a_finite_value_are_drawn() -> None:
    opened(grid.grid(np.full((3, 3, 2), np.nan, np.float32), "t"))


def test_a_black_composite_is_not_taken_for_a_map_of_zeros() -> None:
    kernel = np.full((1, 1, 3, 2), -1, np.float32)
    png = kernels.draw(kernel, "t", composite=True)
    pixels, _ = tile(opened(png), 1)
    assert (pixels == 1).all()


@pytest.mark.parametrize("name", ["blue-red", "brown-teal"])
def test_all_zero_values_take_the_middle_of_a_diverging_palette(name: str) -> None:
    scale = palettes.symmetric(np.zeros((2, 2), np.float32), name)
    (colour,) = scale.colours(np.zeros(1, np.float32))
    assert (colour == scale.table[palettes.MIDDLE]).all()


def test_scale_from_the_least_to_the_greatest_float32_does_not_overflow() -> None:
    values = np.array([-3e38, 0, 3e38], np.float32)
    expected = palettes.BLUE_RED[[0, palettes.MIDDLE, -1]]
    assert (palettes.anchored(values).colours(values) == expected).all()


def test_long_title_does_not_cover_the_colour_bar() -> None:
    title = "cifar10-lecture-3conv · conv3 before activation"
    pixels = np.asarray(opened(grid.single(maps(8, 8, 101), title, 100)).convert("RGB"))
    strip = pixels[16:28, -grid.MARGIN - grid.BAR : -grid.MARGIN]
    assert (strip == strip[0]).all()
    assert (strip[0, [0, -1]] == palettes.VIRIDIS[[0, -1]]).all()


def test_range_and_shape_are_in_the_text_chunks() -> None:
    values = maps(5, 4, 3)
    info = opened(grid.grid(values, "net · conv1")).info
    assert float(info["Minimum"]) == float(values.min())
    assert float(info["Maximum"]) == float(values.max())
    assert info["Shape"] == "5 x 4 x 3"
    assert info["Dtype"] == "float32"
    assert info["Scale"] == "layer"
    assert info["Software"] == "convlens"
    assert info["Title"].startswith("net · conv1")


@pytest.mark.parametrize("scale", ["layer", "map"])
@pytest.mark.parametrize("low", [0.0, -4.0])
def test_one_map_has_the_colours_that_it_has_in_the_grid(
    low: float, scale: Literal["layer", "map"]
) -> None:
    values = maps(6, 6, 3, low=low)
    values[..., 0] = abs(values[..., 0]) / 2  # not negative, in a layer that is
    whole, large = tile(opened(grid.grid(values, "t", scale)), 6)
    alone, larger = tile(opened(grid.single(values, "t", 0, scale)), 6)
    assert (whole[::large, ::large] == alone[::larger, ::larger]).all()


@pytest.mark.parametrize(("channels", "many"), [(3, 32), (3, 5), (8, 16), (16, 20)])
def test_the_channels_of_a_kernel_stay_in_one_row(channels: int, many: int) -> None:
    assert grid._columns(channels * many, 3, 3, channels) % channels == 0


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 1, 512), (32, 32, 256), (26, 26, 32), (2, 64, 3), (64, 2, 3)]
)
def test_pictures_of_any_shape_stay_within_bounds(shape: tuple[int, int, int]) -> None:
    image = opened(grid.grid(maps(*shape), "t"))
    assert image.width <= 1400
    assert image.height <= 2600
