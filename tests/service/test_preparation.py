"""From pictures that people send to what the networks were trained on."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from service.images import Picture
from service.preparation import UNCHANGED, Prepared, prepare
from tests.pictures import noise, seven

DIGIT = (28, 28, 1)
PHOTO = (32, 32, 3)


def digit(image: Image.Image, shape: tuple[int, int, int] = DIGIT) -> Prepared:
    return prepare(Picture(image), "digit", shape)


def photo(image: Image.Image, shape: tuple[int, int, int] = PHOTO) -> Prepared:
    return prepare(Picture(image), "photo", shape)


def alike(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """The correlation of two images' pixels, where rounding may have moved one by a pixel."""
    moved = [np.roll(a, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(one.ravel(), b.ravel())[0, 1]) for one in moved)


EXPECTED = digit(seven(400)).pixels


def test_ink_fills_twenty_pixels_around_its_centre_of_mass() -> None:
    rows = np.flatnonzero(EXPECTED.any(axis=(1, 2)))
    columns = np.flatnonzero(EXPECTED.any(axis=(0, 2)))
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 == 20
    mass = EXPECTED[..., 0] / EXPECTED.sum()
    assert mass.sum(axis=1) @ np.arange(28) == pytest.approx(13.5, abs=0.51)
    assert mass.sum(axis=0) @ np.arange(28) == pytest.approx(13.5, abs=0.51)
    assert EXPECTED.max() > 240


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((0, 0, 0), (255, 255, 255)),
        ((30, 50, 160), (250, 250, 245)),
        ((200, 40, 40), (250, 248, 240)),
        ((120, 120, 120), (235, 232, 225)),
        ((240, 240, 230), (40, 60, 50)),
        ((255, 255, 255), (0, 0, 0)),
        ((250, 220, 40), (20, 30, 120)),
        ((20, 120, 60), (255, 240, 180)),
    ],
)
@pytest.mark.parametrize("size", [100, 400, 1600])
def test_ink_and_paper_of_any_colour_and_size_give_the_same(
    ink: Any, paper: Any, size: int
) -> None:
    assert alike(digit(seven(size, ink, paper)).pixels, EXPECTED) > 0.9


def test_place_on_the_sheet_does_not_matter() -> None:
    sheet = Image.new("RGB", (900, 500), (250, 248, 240))
    sheet.paste(seven(300), (560, 180))
    assert alike(digit(sheet).pixels, EXPECTED) > 0.9


def test_uneven_light_and_printed_lines_are_no_ink() -> None:
    image = seven(600)
    draw = ImageDraw.Draw(image)
    for place in range(0, 600, 40):
        draw.line([(place, 0), (place, 600)], (215, 222, 235))
        draw.line([(0, place), (600, place)], (215, 222, 235))
    light = np.linspace(1.0, 0.55, 600)[None, :, None] * np.linspace(1.0, 0.8, 600)[:, None, None]
    lit = Image.fromarray((np.asarray(image) * light).astype(np.uint8))
    assert alike(digit(lit).pixels, EXPECTED) > 0.9


def test_table_edge_and_specks_are_no_ink() -> None:
    image = seven(600)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 560, 600, 600), (60, 40, 30))
    draw.ellipse((500, 80, 506, 86), (40, 40, 40))
    assert alike(digit(image).pixels, EXPECTED) > 0.9


def test_separate_strokes_stay_together() -> None:
    image = Image.new("L", (300, 300), 255)
    draw = ImageDraw.Draw(image)
    draw.line([(100, 60), (90, 140), (150, 150), (150, 220), (90, 230)], 0, 14, joint="curve")
    draw.line([(118, 58), (190, 50)], 0, 14)
    pixels = digit(image).pixels[..., 0]
    assert (pixels[:8, 16:] > 128).any()


@pytest.mark.parametrize(("ink", "ground"), [((0, 0, 0), "white"), ((255, 255, 255), "black")])
def test_ink_on_transparency_stands_out_from_its_ground(ink: Any, ground: str) -> None:
    mask = ImageOps.invert(seven(400, (0, 0, 0), (255, 255, 255)).convert("L"))
    image = Image.new("RGBA", mask.size, ink)
    image.putalpha(mask)
    prepared = digit(image)
    assert f"flattened transparency onto {ground}" in prepared.steps
    assert alike(prepared.pixels, EXPECTED) > 0.9


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_what_the_model_was_trained_on_passes_unchanged(mode: str) -> None:
    image = Image.fromarray(EXPECTED[..., 0] // 2).convert(mode)
    prepared = digit(image)
    assert (prepared.pixels[..., 0] == EXPECTED[..., 0] // 2).all()
    assert prepared.steps == (UNCHANGED,)


def test_small_dark_on_light_is_inverted() -> None:
    prepared = digit(Image.fromarray(255 - EXPECTED[..., 0]))
    assert UNCHANGED not in prepared.steps
    assert alike(prepared.pixels, EXPECTED) > 0.85


@pytest.mark.parametrize("colour", ["white", "black", "red", (128, 128, 128), (3, 2, 1)])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (28, 28), (40, 50), (700, 900)])
def test_blank_sheet_has_no_ink(colour: Any, size: tuple[int, int]) -> None:
    prepared = digit(Image.new("RGB", size, colour))
    assert not prepared.pixels.any() or size == (28, 28)
    assert prepared.steps[-1] in ("found no ink: blank", UNCHANGED)


@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 20, 1), (48, 32, 1), (28, 28, 3)])
def test_any_shape_of_model_is_served(shape: tuple[int, int, int]) -> None:
    pixels = digit(seven(200), shape).pixels
    assert pixels.shape == shape
    assert (pixels == pixels[..., :1]).all()
    assert pixels.any()


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from(["L", "LA", "RGB", "RGBA"]),
    st.sampled_from([DIGIT, (32, 24, 1), PHOTO]),
    st.sampled_from(["digit", "photo"]),
    st.integers(0, 2**32 - 1),
)
def test_any_picture_becomes_the_shape(
    height: int, width: int, mode: str, shape: tuple[int, int, int], how: Any, seed: int
) -> None:
    image = noise(height, width, 3, seed).convert(mode)
    prepared = prepare(Picture(image), how, shape)
    assert prepared.pixels.shape == shape
    assert prepared.pixels.dtype == np.uint8
    assert prepared.steps


def test_photo_of_the_trained_size_passes_unchanged() -> None:
    image = noise(32, 32)
    prepared = photo(image)
    assert (prepared.pixels == np.asarray(image)).all()
    assert prepared.steps == (UNCHANGED,)


def test_enlarged_photo_comes_back() -> None:
    image = noise(32, 32)
    large = image.resize((256, 256), Image.Resampling.NEAREST)
    assert (photo(large).pixels == np.asarray(image)).all()
    smooth = Image.effect_noise((8, 8), 60).convert("RGB").resize((32, 32))
    large = smooth.resize((320, 320), Image.Resampling.BICUBIC)
    assert np.abs(photo(large).pixels.astype(int) - np.asarray(smooth)).mean() < 3


def test_photo_is_cropped_to_its_centre() -> None:
    image = Image.new("RGB", (200, 100), "red")
    image.paste("blue", (50, 0, 150, 100))
    prepared = photo(image)
    assert (prepared.pixels == (0, 0, 255)).all()
    assert prepared.steps == ("cropped to the centre 100×100", "resized to 32×32")


def test_grey_photo_is_made_colour_and_colour_grey() -> None:
    grey = photo(noise(32, 32, 1))
    assert grey.pixels.shape == PHOTO
    assert "converted to RGB" in grey.steps
    assert photo(noise(32, 32), (32, 32, 1)).pixels.shape == (32, 32, 1)


def test_transparent_photo_is_laid_on_white() -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    prepared = photo(image)
    assert (prepared.pixels == 255).all()
    assert "flattened transparency onto white" in prepared.steps
