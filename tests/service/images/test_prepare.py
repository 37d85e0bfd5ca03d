import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from PIL.ExifTags import Base

from service.images.decode import Limits, Picture, decode, open_image
from service.images.prepare import UNCHANGED, Prepared, prepare
from tests.pictures import noise, save, seven

DIGIT = (28, 28, 1)
PHOTO = (32, 32, 3)


def digit(image: Image.Image, shape: tuple[int, int, int] = DIGIT) -> Prepared:
    return prepare(Picture(image), "digit", shape)


def photo(image: Image.Image, shape: tuple[int, int, int] = PHOTO) -> Prepared:
    return prepare(Picture(image), "photo", shape)


def uploaded(data: bytes, how: str = "digit") -> Prepared:
    picture = decode(open_image(data, Limits()))
    return digit(picture.image) if how == "digit" else photo(picture.image)


def alike(one: Prepared, other: Prepared) -> float:
    """Correlation of two inputs, at best by one pixel's shift: 1 for the same up to contrast."""
    a, b = (p.pixels[..., 0].astype(np.float64) for p in (one, other))
    shifted = [np.roll(b, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(a.ravel(), c.ravel())[0, 1]) for c in shifted)


def five(size: int = 200, ink: str = "black", paper: str = "white") -> Image.Image:
    """A 5 whose bar is a stroke of its own."""
    image = Image.new("RGB", (size, size), paper)
    draw = ImageDraw.Draw(image)
    width = size // 25
    draw.line([(size * x, size * 0.28) for x in (0.46, 0.64)], ink, width)
    draw.line([(size * x, size * y) for x, y in ((0.4, 0.28), (0.39, 0.48))], ink, width)
    draw.arc([size * 0.32, size * 0.44, size * 0.62, size * 0.72], 250, 150, ink, width)
    return image


def trained() -> NDArray[np.uint8]:
    """What MNIST's digits look like: a soft light stroke on black, uint8 (28, 28)."""
    image = Image.new("L", (28, 28), 0)
    ImageDraw.Draw(image).line([(8, 7), (19, 7), (13, 21)], 255, 3)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)))


def middle(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Row and column of the centre of mass."""
    mass = pixels[..., 0].astype(np.float64)
    rows, columns = np.indices(mass.shape)
    return float((rows * mass).sum() / mass.sum()), float((columns * mass).sum() / mass.sum())


PLAIN = digit(seven(400, "black", "white"))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_digit_as_trained_passes_unchanged(mode: str) -> None:
    pixels = trained()
    result = digit(Image.fromarray(pixels).convert(mode))
    assert (result.pixels[..., 0] == pixels).all()
    assert result.steps == (UNCHANGED,)


@pytest.mark.parametrize("ground", [12, 25, 50, 100])
def test_digit_of_the_trained_size_on_grey_gets_a_black_ground(ground: int) -> None:
    lifted = np.maximum(trained(), ground)
    result = digit(Image.fromarray(lifted))
    assert UNCHANGED not in result.steps
    assert not result.pixels[0].any()
    assert result.pixels.max() == 255


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_lossless_digit_file_passes_unchanged(kind: str) -> None:
    assert (uploaded(save(Image.fromarray(trained()), kind)).pixels[..., 0] == trained()).all()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_photo_file_passes_unchanged(kind: str) -> None:
    image = noise(32, 32)
    result = uploaded(save(image, kind), "photo")
    assert (result.pixels == np.asarray(image)).all()
    assert result.steps == (UNCHANGED,)


def test_digit_is_scaled_to_20_pixels_and_centred_by_mass() -> None:
    ink = PLAIN.pixels[..., 0] > 0
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert np.abs(np.array(middle(PLAIN.pixels)) - 13.5).max() <= 0.5
    assert PLAIN.pixels.max() == 255


def test_steps_are_named_in_order() -> None:
    words = ["grey", "inverted", "found the ink", "scaled to", "centred by centre of mass in 28×28"]
    assert [word for step in PLAIN.steps for word in words if word in step] == words


def test_steps_of_decoding_come_first() -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    turned = seven(120).transpose(Image.Transpose.ROTATE_90)
    picture = decode(open_image(save(turned, "JPEG", quality=95, exif=exif), Limits()))
    result = prepare(picture, "digit", DIGIT)
    assert result.steps[0] == "turned upright by its EXIF orientation"
    assert alike(result, PLAIN) > 0.95


def test_light_ink_on_dark_gives_what_dark_ink_on_light_gives() -> None:
    dark, light = digit(seven(400, 30, 220)), digit(seven(400, 220, 30))
    assert alike(dark, light) > 0.99
    assert any("inverted" in step for step in dark.steps)
    assert not any("inverted" in step for step in light.steps)


@pytest.mark.parametrize("ink", ["blue", "red", "green", "#a03040", "#607080", "#d06020"])
@pytest.mark.parametrize("paper", ["white", "#f2eedd", "#c9c4bb"])
def test_coloured_ink_gives_what_black_gives(ink: str, paper: str) -> None:
    assert alike(digit(seven(400, ink, paper)), PLAIN) > 0.97


@pytest.mark.parametrize("ink", ["white", "#ffe060", "#f0a0b0"])
def test_chalk_gives_what_black_ink_gives(ink: str) -> None:
    assert alike(digit(seven(400, ink, "#28402f")), PLAIN) > 0.97


@pytest.mark.parametrize("place", [(5, 5), (700, 40), (40, 500), (720, 520)])
def test_place_on_the_paper_does_not_matter(place: tuple[int, int]) -> None:
    sheet = Image.new("RGB", (1000, 800), "white")
    sheet.paste(seven(400, "black", "white").crop((60, 60, 230, 270)), place)
    assert alike(digit(sheet), PLAIN) > 0.97


@pytest.mark.parametrize("side", [60, 120, 400, 1000, 2400])
def test_size_of_the_picture_does_not_matter(side: int) -> None:
    assert alike(digit(seven(side, "black", "white")), PLAIN) > 0.9


@pytest.mark.parametrize("width", [2, 4, 20, 50])
def test_thin_and_thick_strokes_stay_strokes(width: int) -> None:
    image = Image.new("RGB", (800, 800), "white")
    ImageDraw.Draw(image).line([(200, 200), (500, 200), (360, 600)], "black", width, "curve")
    pixels = digit(image).pixels
    assert pixels.max() == 255
    assert 40 <= (pixels > 127).sum() <= 170
    assert np.corrcoef(pixels.ravel(), PLAIN.pixels.ravel())[0, 1] > 0.75


def uneven(image: Image.Image, seed: int = 3) -> Image.Image:
    """`image` under a slope of light, a vignette and a shadow over the digit, and noisy."""
    height, width = image.height, image.width
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = (0.75 + 0.25 * x) * (1 - 0.2 * (x**2 + y**2)) * np.where(x + 0.4 * y > -0.2, 0.6, 1.0)
    grain = np.random.default_rng(seed).normal(0, 4, (height, width, 3))
    pixels = np.asarray(image) * light[..., np.newaxis] + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("ink", ["black", "blue", "red"])
def test_uneven_light_and_shadow_are_no_ink(ink: str) -> None:
    data = save(uneven(seven(400, ink, "#f4f2ea")), "JPEG", quality=70)
    assert alike(uploaded(data), PLAIN) > 0.95


def test_squared_paper_is_no_ink() -> None:
    image = Image.new("RGB", (400, 400), "#f8f8f4")
    draw = ImageDraw.Draw(image)
    for at in range(10, 400, 25):
        draw.line([(at, 0), (at, 399)], "#c4d2e6")
        draw.line([(0, at), (399, at)], "#c4d2e6")
    draw.line([(80, 80), (200, 80), (144, 248)], "#203080", 20, "curve")
    assert alike(digit(image), PLAIN) > 0.95


def test_table_at_the_edge_and_specks_are_no_ink() -> None:
    image = seven(400, "black", "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle([370, 0, 399, 399], "#503020")
    draw.point([(300, 300), (301, 300), (20, 350)], "black")
    assert alike(digit(image), PLAIN) > 0.97


def test_dark_corners_are_no_ink() -> None:
    y, x = np.mgrid[-1:1:300j, -1:1:300j]
    light = (1 - 0.15 * (x**2 + y**2))[..., np.newaxis]
    sheet = np.full((300, 300, 3), 230) * light
    blank = Image.fromarray(sheet.astype(np.uint8))
    assert not digit(blank).pixels.any()


def test_all_parts_of_a_digit_are_kept() -> None:
    pixels = digit(five()).pixels[..., 0]
    assert pixels[4:8, 15:].max() > 200
    assert pixels[14:].max() > 200


def test_digit_that_reaches_the_frame_is_found_when_nothing_else_is() -> None:
    image = seven(400, "black", "white").crop((20, 20, 200, 320))
    assert alike(digit(image), PLAIN) > 0.9


@pytest.mark.parametrize("ink", ["black", "white", "blue"])
def test_transparent_ground_is_laid_under_so_that_the_ink_shows(ink: str) -> None:
    shape = seven(400, 255, 0).convert("L")
    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    image.paste(Image.new("RGBA", (400, 400), ink), mask=shape)
    result = digit(image)
    assert alike(result, PLAIN) > 0.97
    assert any("transparency" in step for step in result.steps)


def test_inverted_image_of_the_trained_size_is_read() -> None:
    result = digit(Image.fromarray(255 - trained()))
    assert UNCHANGED not in result.steps
    large = Image.fromarray(trained()).resize((280, 280), Image.Resampling.BICUBIC)
    assert alike(result, digit(large)) > 0.9


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("value", [0, 1, 90, 128, 254, 255])
@pytest.mark.parametrize("size", [(300, 200), (29, 28), (3, 50), (1, 1)])
def test_constant_image_has_no_ink(mode: str, value: int, size: tuple[int, int]) -> None:
    bands = len(Image.new(mode, (1, 1)).getbands())
    result = digit(Image.new(mode, size, (value,) * bands if bands > 1 else value))
    assert not result.pixels.any()
    assert any("no ink" in step for step in result.steps)


@pytest.mark.parametrize("colour", ["red", "#2040ff", "#00ff00", "#805030"])
def test_constant_colour_has_no_ink(colour: str) -> None:
    assert not digit(Image.new("RGB", (200, 120), colour)).pixels.any()


def test_noise_of_a_camera_has_no_ink() -> None:
    grain = np.random.default_rng(5).normal(225, 3, (400, 500, 3)).astype(np.uint8)
    assert not digit(Image.fromarray(grain)).pixels.any()


@pytest.mark.parametrize("shape", [(14, 14, 1), (32, 32, 3), (28, 40, 1), (8, 8, 1), (64, 64, 3)])
def test_any_shape_can_be_asked_for(shape: tuple[int, int, int]) -> None:
    result = digit(seven(200), shape).pixels
    assert result.shape == shape
    assert result.max() > 200
    assert (result == result[..., :1]).all()


@pytest.mark.parametrize("factor", [2, 8])
@pytest.mark.parametrize("way", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
def test_enlarged_photo_comes_back(factor: int, way: Image.Resampling) -> None:
    small = noise(32, 32).filter(ImageFilter.GaussianBlur(1.5))
    back = photo(small.resize((32 * factor,) * 2, way)).pixels
    error = np.abs(back.astype(int) - np.asarray(small)).mean()
    assert error == 0 if way is Image.Resampling.NEAREST else error < 4


def test_photo_is_cropped_to_its_centre() -> None:
    image = Image.new("RGB", (90, 40), "red")
    image.paste("blue", (25, 0, 65, 40))
    result = photo(image)
    assert (result.pixels == (0, 0, 255)).all()
    assert result.steps == ("cropped to the centre 40×40", "resized to 32×32")


def test_photo_is_cropped_to_the_proportions_of_the_model() -> None:
    result = photo(noise(50, 50), (16, 32, 3))
    assert result.pixels.shape == (16, 32, 3)
    assert result.steps[0] == "cropped to the centre 50×25"


def test_transparent_photo_is_laid_on_white() -> None:
    assert (photo(Image.new("RGBA", (32, 32), (0, 0, 0, 0))).pixels == 255).all()
    half = photo(Image.new("RGBA", (32, 32), (0, 0, 0, 128))).pixels
    assert np.abs(half.astype(int) - 127).max() <= 1


def test_grey_photo_gets_three_equal_channels() -> None:
    result = photo(noise(32, 32, 1))
    assert (result.pixels == result.pixels[..., :1]).all()
    assert result.steps == ("converted to RGB",)


def test_colour_photo_becomes_grey_for_a_grey_model() -> None:
    assert photo(noise(64, 64), (32, 32, 1)).pixels.shape == (32, 32, 1)


@pytest.mark.parametrize("mode", ["P", "CMYK", "LA", "L", "1", "RGBA"])
def test_photo_of_any_mode_comes_out_in_its_colours(mode: str) -> None:
    grey = Image.new("RGB", (64, 64), (200, 200, 200)).convert(mode)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    pixels = uploaded(save(grey, kind), "photo").pixels
    assert pixels.shape == PHOTO
    assert abs(float(pixels.mean()) - 200) < 8


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_lossless_digit_of_any_mode_passes_unchanged(mode: str) -> None:
    result = uploaded(save(Image.fromarray(trained()).convert(mode)))
    assert (result.pixels[..., 0] == trained()).all()
    assert result.steps[-1] == UNCHANGED


CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@given(
    st.sampled_from(sorted(CHANNELS)),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([DIGIT, PHOTO, (5, 9, 1)]),
    st.sampled_from(["digit", "photo"]),
    st.data(),
)
def test_any_small_image_gives_the_shape_and_type_asked_for(
    mode: str, height: int, width: int, shape: tuple[int, int, int], how: str, data: st.DataObject
) -> None:
    channels = CHANNELS[mode]
    size = (height, width, channels) if channels > 1 else (height, width)
    image = Image.fromarray(data.draw(arrays(np.uint8, size)))
    assert image.mode == mode
    result = digit(image, shape) if how == "digit" else photo(image, shape)
    assert result.pixels.shape == shape
    assert result.pixels.dtype == np.uint8
    assert result.steps


def test_what_comes_out_passes_unchanged() -> None:
    buffer = io.BytesIO()
    Image.fromarray(PLAIN.pixels[..., 0]).save(buffer, "PNG")
    again = uploaded(buffer.getvalue())
    assert (again.pixels == PLAIN.pixels).all()
    assert again.steps == (UNCHANGED,)
