import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from service.errors import BadImage, TooLarge, UnsupportedImage
from service.images.decode import Limits, Picture, decode, open_image
from tests.pictures import noise, save, seven

LIMITS = Limits()


def read(data: bytes, limits: Limits = LIMITS) -> Picture:
    return decode(open_image(data, limits))


def same(one: Image.Image, other: Image.Image) -> bool:
    """Whether mode, size and every byte agree; Pillow's == asks for the same reader as well."""
    return (one.mode, one.size, one.tobytes()) == (other.mode, other.size, other.tobytes())


def far_apart(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures as RGB, of 255."""
    a, b = (np.asarray(image.convert("RGB"), np.float32) for image in (one, other))
    return float(np.abs(a - b).mean())


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG whose header claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF", "PPM"])
def test_lossless_rgb_comes_back_byte_for_byte(kind: str) -> None:
    image = noise(17, 23)
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = read(save(image, kind, **options))
    assert same(picture.image, image)
    assert picture.steps == ()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiff_comes_back_byte_for_byte(compression: str) -> None:
    image = noise(17, 23)
    assert same(read(save(image, "TIFF", compression=compression)).image, image)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_files_come_back_alike(kind: str, options: dict[str, object]) -> None:
    assert far_apart(read(save(seven(), kind, quality=90, **options)).image, seven()) < 3


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA"])
def test_grey_and_alpha_are_kept(mode: str) -> None:
    image = noise(9, 7, len(Image.new(mode, (1, 1)).getbands()))
    assert image.mode == mode
    assert same(read(save(image)).image, image)


def test_palette_becomes_its_colours() -> None:
    palette = seven().quantize(16)
    picture = read(save(palette))
    assert same(picture.image.convert("RGB"), palette.convert("RGB"))
    assert picture.steps == ("converted from mode P to RGB",)


def test_transparent_colours_of_a_palette_and_of_rgb_become_alpha() -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.putpixel((2, 1), 0)
    for data in (
        save(palette, transparency=0),
        save(palette, "GIF", transparency=0),
        save(palette.convert("RGB"), transparency=(0, 0, 0)),
    ):
        alpha = np.asarray(read(data).image.getchannel("A"))
        assert alpha[1, 2] == 0
        assert alpha.sum() == 15 * 255


def test_one_bit_becomes_black_and_white() -> None:
    image = seven().convert("1")
    assert same(read(save(image)).image, image.convert("L"))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_is_scaled_and_not_clipped(kind: str) -> None:
    values = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(16, 16)
    pixels = np.asarray(read(save(Image.fromarray(values), kind)).image)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.ravel().astype(int) - np.arange(256)).max() <= 1


def test_dark_16_bit_stays_dark() -> None:
    values = np.full((8, 8), 2570, np.uint16)
    assert np.unique(np.asarray(read(save(Image.fromarray(values))).image)).tolist() == [10]


@pytest.mark.parametrize("most", [1.0, 255.0, 1000.0])
def test_float_tiff_is_scaled_by_its_range(most: float) -> None:
    values = np.linspace(0, most, 64, dtype=np.float32).reshape(8, 8)
    pixels = np.asarray(read(save(Image.fromarray(values), "TIFF")).image)
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert (np.diff(pixels.ravel().astype(int)) >= 0).all()


def test_float_tiff_without_numbers_is_read() -> None:
    values = np.full((4, 4), np.nan, np.float32)
    values[0, 0] = np.inf
    assert read(save(Image.fromarray(values), "TIFF")).image.size == (4, 4)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_its_colours(kind: str) -> None:
    data = save(seven(ink=(20, 20, 160)).convert("CMYK"), kind)
    assert far_apart(read(data).image, seven(ink=(20, 20, 160))) < 4


def test_cmyk_jpeg_of_adobe_is_not_inverted() -> None:
    data = save(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    assert far_apart(read(data).image, Image.new("RGB", (16, 16), (255, 0, 0))) < 4


STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}
"""What a camera stores of an upright picture in each orientation, by numpy and not by Pillow."""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    upright = seven(96).crop((0, 0, 96, 64))
    turned: NDArray[np.uint8] = STORED[orientation](np.asarray(upright))
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    data = save(Image.fromarray(np.ascontiguousarray(turned)), kind, exif=exif, **options)
    picture = read(data)
    assert picture.image.size == upright.size
    assert far_apart(picture.image, upright) < 2
    assert picture.steps == (
        () if orientation == 1 else ("turned upright by its EXIF orientation",)
    )


@pytest.mark.parametrize("value", [0, 9, 77])
def test_orientations_that_do_not_exist_turn_nothing(value: int) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = value
    picture = read(save(seven(), exif=exif))
    assert same(picture.image, seven())
    assert picture.steps == ()


def test_picture_with_damaged_exif_is_decoded() -> None:
    data = save(seven(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read(data).image.size == seven().size


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_only_the_first_frame_is_read(kind: str) -> None:
    first, *rest = (Image.new("RGB", (12, 8), (i, 0, 0)) for i in (250, 120, 10))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = save(first, kind, save_all=True, append_images=rest, **options)
    image = read(data).image.convert("RGB")
    assert image.size == (12, 8)
    assert image.getpixel((5, 5)) == (250, 0, 0)


def test_what_is_broken_after_the_first_frame_is_not_read() -> None:
    frames = [noise(32, 32, seed=i) for i in range(4)]
    whole = save(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert same(read(whole[: len(whole) // 2]).image, read(whole).image)


def test_large_jpeg_is_decoded_smaller() -> None:
    picture = read(save(Image.new("RGB", (4096, 3072), "white"), "JPEG"))
    assert 1024 <= picture.image.width <= 2048
    assert abs(picture.image.width / picture.image.height - 4 / 3) < 0.01


def test_decoding_on_many_threads_gives_what_one_gives() -> None:
    files = [save(noise(64, 48, seed=i), "PNG") for i in range(24)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(read, files))
    assert all(same(one.image, read(data).image) for one, data in zip(together, files, strict=True))


def test_nothing_of_pillow_is_changed_for_others() -> None:
    before = Image.MAX_IMAGE_PIXELS
    read(save(seven()))
    assert before == Image.MAX_IMAGE_PIXELS


def test_empty_file_is_refused() -> None:
    with pytest.raises(BadImage, match="empty"):
        read(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"hello, I am a text\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"PK\x03\x04\x14\0\0\0",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\0" * 5000,
        b'{"image": "aGVsbG8="}',
    ],
    ids=["text", "svg", "pdf", "zip", "eps", "zeros", "json"],
)
def test_what_is_no_image_is_refused_with_what_would_be(data: bytes) -> None:
    with pytest.raises(UnsupportedImage, match="PNG, JPEG, WEBP, GIF, BMP, TIFF"):
        read(data)


@pytest.mark.parametrize("kind", ["ICO", "PCX", "TGA", "JPEG2000", "EPS"])
def test_formats_outside_the_list_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedImage):
        read(save(seven(32), kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_truncated_file_is_refused(kind: str, share: float) -> None:
    data = save(noise(64, 64), kind)
    with pytest.raises((BadImage, UnsupportedImage)):
        read(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_file_cut_in_its_pixels_is_called_bad(kind: str) -> None:
    data = save(noise(64, 64), kind)
    with pytest.raises(BadImage, match="truncated or damaged"):
        read(data[: len(data) // 2])


def test_png_without_its_pixels_is_refused() -> None:
    with pytest.raises(BadImage):
        read(png(64, 64, b"\0" * 10))


@pytest.mark.parametrize(
    "size", [(65_535, 65_535), (100_000, 100_000), (2**31 - 1, 1), (8000, 8000)]
)
def test_small_file_of_many_pixels_is_refused_by_its_header(size: tuple[int, int]) -> None:
    data = png(*size)
    assert len(data) < 100
    with pytest.raises(TooLarge, match="pixels"):
        open_image(data, LIMITS)


def test_gif_and_tiff_of_many_pixels_are_refused() -> None:
    gif = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
    gif += b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x4c\x01\x00;"
    with pytest.raises(TooLarge):
        read(gif)


def test_compressed_text_does_not_unpack_without_bound() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a" * (5 * 2**20), zip=True)
    buffer = io.BytesIO()
    seven().save(buffer, "PNG", pnginfo=text)
    with pytest.raises(BadImage):
        read(buffer.getvalue())


def test_limits_are_inclusive() -> None:
    data = save(noise(20, 30))
    assert open_image(data, Limits(len(data), 600)).size == (30, 20)
    with pytest.raises(TooLarge, match="bytes"):
        open_image(data, Limits(len(data) - 1, 600))
    with pytest.raises(TooLarge, match="30×20 pixels"):
        open_image(data, Limits(len(data), 599))


def survives(data: bytes) -> None:
    try:
        picture = read(data, Limits(pixels=100_000))
    except (BadImage, TooLarge, UnsupportedImage):
        return
    assert picture.image.mode in ("L", "LA", "RGB", "RGBA")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    survives(data)


BASES = [save(noise(12, 10), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")]


@given(
    st.sampled_from(BASES),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8),
    st.integers(0, 10_000),
)
def test_damaged_files_raise_nothing_else(
    base: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(base)
    for place, value in changes:
        data[place % len(data)] = value
    survives(bytes(data[: max(1, cut % (2 * len(data)))]))
