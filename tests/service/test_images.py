"""Image files of every kind that is read; refusals for all others."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import Base

from service import images
from service.errors import BadImage, ServiceError, TooLarge, UnsupportedImage
from service.images import Limits
from tests.pictures import noise, save

RGB = noise(24, 30)
GREY = noise(24, 30, 1)


def decode(data: bytes, limits: Limits | None = None) -> images.Picture:
    return images.decode(images.inspect(data, limits or Limits()))


def png(width: int, height: int, depth: int = 8, colour: int = 0, body: bytes = b"") -> bytes:
    """A PNG file by hand: for what Pillow would not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "PPM"])
def test_lossless_kinds_come_back_exactly(kind: str) -> None:
    image = GREY if kind == "GIF" else RGB
    decoded = decode(save(image, kind)).image
    expected = np.asarray(image.convert("RGB"))
    assert (np.asarray(decoded.convert("RGB")) == expected).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_kinds_come_back_nearly(kind: str) -> None:
    smooth = RGB.resize((4, 4)).resize((30, 24), Image.Resampling.BICUBIC)
    decoded = np.asarray(decode(save(smooth, kind, quality=95)).image, np.int16)
    assert np.abs(decoded - np.asarray(smooth)).mean() < 6


@pytest.mark.parametrize(
    ("mode", "kind", "becomes"),
    [
        ("1", "PNG", "L"),
        ("L", "PNG", "L"),
        ("LA", "PNG", "LA"),
        ("P", "PNG", "RGBA"),
        ("RGBA", "PNG", "RGBA"),
        ("RGBA", "WEBP", "RGBA"),
        ("CMYK", "JPEG", "RGB"),
        ("CMYK", "TIFF", "RGB"),
        ("YCbCr", "TIFF", "RGB"),
        ("LAB", "TIFF", "RGB"),
        ("L", "JPEG", "L"),
    ],
)
def test_every_mode_becomes_eight_bits_a_channel(mode: str, kind: str, becomes: str) -> None:
    image = RGB.convert(mode) if mode != "LAB" else Image.new("LAB", (30, 24), 90)
    if mode == "RGBA":
        image.putalpha(GREY)
    decoded = decode(save(image, kind)).image
    assert decoded.mode == becomes
    assert decoded.size == (30, 24)


def test_cmyk_colours_survive() -> None:
    red = Image.new("RGB", (16, 16), (220, 30, 30)).convert("CMYK")
    pixel = np.asarray(decode(save(red, "JPEG", quality=95)).image)[8, 8]
    assert pixel[0] > 180
    assert pixel[1] < 70


def test_sixteen_bit_values_are_scaled_and_not_cut() -> None:
    wide = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        decoded = np.asarray(decode(save(Image.fromarray(wide), kind)).image)
        assert (decoded.ravel() == np.arange(256)).all()


def test_sixteen_bit_colour_is_read() -> None:
    rows = b"".join(b"\0" + struct.pack(">6H", 65535, 0, 257 * 9, 0, 65535, 0) for _ in range(2))
    decoded = np.asarray(decode(png(2, 2, 16, 2, rows)).image)
    assert decoded[0].tolist() == [[255, 0, 9], [0, 255, 0]]


def test_float_and_wide_tiffs_never_give_nan() -> None:
    values = np.array([[0.0, 0.5], [1.0, np.nan]], np.float32)
    decoded = np.asarray(decode(save(Image.fromarray(values), "TIFF")).image)
    assert decoded.tolist() == [[0, 128], [255, 0]]
    wide = np.array([[0, 100_000], [200_000, 50_000]], np.int32)
    decoded = np.asarray(decode(save(Image.fromarray(wide), "TIFF")).image)
    assert decoded.tolist() == [[0, 128], [255, 64]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation: int, kind: str) -> None:
    upright = Image.new("RGB", (48, 32), "white")
    upright.paste("red", (0, 0, 16, 16))
    upright.paste("blue", (32, 16, 48, 32))
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    turned = upright if stored is None else upright.transpose(stored)
    picture = decode(save(turned, kind, exif=exif))
    assert picture.image.size == (48, 32)
    difference = np.abs(np.asarray(picture.image, np.int16) - np.asarray(upright)).mean()
    assert difference < 12
    assert ("turned upright by its EXIF orientation" in picture.steps) == (orientation != 1)


def test_only_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "TIFF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = save(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert np.asarray(decode(data).image.convert("RGB"))[4, 4].tolist() == [255, 0, 0]


WHOLE = {kind: save(RGB, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_truncated_file_is_refused(kind: str, share: float) -> None:
    data = WHOLE[kind]
    with pytest.raises((BadImage, UnsupportedImage)):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", BadImage),
        (b"hello", UnsupportedImage),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedImage),
        (b"%PDF-1.7", UnsupportedImage),
        (b"PK\x03\x04" + b"\0" * 40, UnsupportedImage),
        (b"\x89PNG\r\n\x1a\n", BadImage),
        (png(8, 8), BadImage),
        (png(0, 8), BadImage),
        (png(65_535, 65_535), TooLarge),
        (png(2**31 - 1, 2**31 - 1), TooLarge),
        (png(20_000, 5_000), TooLarge),
        (b"\0" * (10 * 2**20 + 1), TooLarge),
    ],
)
def test_refusals(data: bytes, error: type[ServiceError]) -> None:
    with pytest.raises(error) as refused:
        decode(data)
    assert len(refused.value.detail) > 20


def test_bomb_is_refused_before_it_is_unpacked() -> None:
    image = Image.new("L", (9_000, 9_000))
    data = save(image)
    assert len(data) < 100_000
    with pytest.raises(TooLarge, match="9000×9000"):
        images.inspect(data, Limits())


def test_limits_are_inclusive() -> None:
    data = save(GREY)
    decode(data, Limits(len(data), 24 * 30))
    with pytest.raises(TooLarge, match="bytes"):
        decode(data, Limits(len(data) - 1, 24 * 30))
    with pytest.raises(TooLarge, match="pixels"):
        decode(data, Limits(len(data), 24 * 30 - 1))


def test_damaged_exif_spoils_nothing() -> None:
    data = save(RGB, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert decode(data).image.size == (30, 24)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_image_or_refused(data: bytes) -> None:
    with contextlib.suppress(TooLarge, UnsupportedImage, BadImage):
        decode(data)


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_any_damage_is_survived_or_refused(kind: str, data: st.DataObject) -> None:
    spoilt = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TooLarge, UnsupportedImage, BadImage):
        decode(bytes(spoilt))


def test_large_photographs_are_decoded_smaller() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 3000), "white").save(buffer, "JPEG")
    assert max(decode(buffer.getvalue()).image.size) < 2100
