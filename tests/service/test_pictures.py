"""Pictures of maps: what a cell's colour says is its value."""

import io
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from service import palettes, pictures
from service.palettes import Floats


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    image.load()
    return image


def maps(*shape: int, low: float = 0.0, high: float = 4.0) -> Floats:
    return np.random.default_rng(2).uniform(low, high, shape).astype(np.float32)


def tile(image: Image.Image, size: int) -> tuple[Floats, int]:
    """The first map's pixels, and by how much it was enlarged, found by its own edges."""
    pixels = np.asarray(image)
    row = pixels[pictures.HEAD, pictures.MARGIN :]
    width = int(np.argmax((row == pictures.GROUND).all(axis=1)))
    assert width % size == 0
    zoom = width // size
    top, left = pictures.HEAD, pictures.MARGIN
    return pixels[top : top + width, left : left + width].astype(np.float32), zoom


@pytest.mark.parametrize(("low", "name"), [(0.0, "viridis"), (-4.0, "blue-red")])
def test_every_cell_has_the_colour_of_its_value(low: float, name: str) -> None:
    values = maps(6, 6, 5, low=low)
    image = opened(pictures.grid(values, "net · conv1"))
    pixels, zoom = tile(image, 6)
    expected = palettes.anchored(values).colours(values[..., 0])
    assert (pixels[zoom // 2 :: zoom, zoom // 2 :: zoom] == expected).all()
    assert (pixels[::zoom, ::zoom] == expected).all()
    assert image.info["Palette"] == name


def test_layer_scale_is_shared_and_map_scale_is_not() -> None:
    values = maps(6, 6, 2)
    values[..., 0] /= 10
    dim, _ = tile(opened(pictures.grid(values, "t", "layer")), 6)
    bright, _ = tile(opened(pictures.grid(values, "t", "map")), 6)
    top = palettes.VIRIDIS[255]
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
    pixels, _ = tile(opened(pictures.grid(values, "t")), 6)
    colours = {tuple(int(v) for v in colour) for colour in pixels.reshape(-1, 3)}
    assert colours == set(pictures.ZERO)
    for table in (palettes.VIRIDIS, palettes.BLUE_RED):
        assert colours.isdisjoint(map(tuple, table.tolist()))
        assert pictures.GROUND not in set(map(tuple, table.tolist()))


@pytest.mark.parametrize("value", [0.0, 2.5, -2.5, 1e-30, 3e38])
@pytest.mark.parametrize("scale", ["layer", "map"])
def test_constant_maps_divide_by_nothing(value: float, scale: Literal["layer", "map"]) -> None:
    values = np.full((4, 4, 2), value, np.float32)
    opened(pictures.grid(values, "t", scale))
    opened(pictures.single(values[..., 0], "t", 0))


def test_range_is_in_the_text_chunks() -> None:
    values = maps(5, 4, 3)
    info = opened(pictures.grid(values, "net · conv1")).info
    assert float(info["Minimum"]) == float(values.min())
    assert float(info["Maximum"]) == float(values.max())
    assert info["Shape"] == "5 x 4 x 3"
    assert info["Scale"] == "layer"
    assert info["Software"] == "convlens"
    assert info["Title"].startswith("net · conv1")


def test_single_map_on_the_layers_scale() -> None:
    one = maps(6, 6, high=1.0)
    pixels, zoom = tile(opened(pictures.single(one, "t", 3, (0.0, 4.0))), 6)
    expected = palettes.anchored(np.array([0, 4], np.float32)).colours(one)
    assert (pixels[::zoom, ::zoom] == expected).all()


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 1, 512), (32, 32, 256), (26, 26, 32), (2, 64, 3), (64, 2, 3)]
)
def test_pictures_of_any_shape_stay_within_bounds(shape: tuple[int, int, int]) -> None:
    image = opened(pictures.grid(maps(*shape), "t"))
    assert image.width <= 1400
    assert image.height <= 2600
