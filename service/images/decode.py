"""The bytes of an image file become one decoded, upright picture, within limits."""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base

from service.errors import BadImage, TooLarge, UnsupportedImage

# Pillow reads many more formats, some with hardly maintained readers.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

# A larger JPEG is decoded at 1/2, 1/4 or 1/8 of its size, but never below this one, in pixels.
DRAFT_SIZE = (1024, 1024)

# First bytes of formats that Pillow does not identify when their header is cut off.
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")

# What Pillow's readers raise on damaged files, as found by a fuzzer.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for one image file: bytes of the file, pixels of the image."""

    bytes: int = 10 * 2**20
    pixels: int = 50_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image of mode L, LA, RGB or RGBA, 8 bits a channel, and the steps taken so far."""

    image: Image.Image
    steps: tuple[str, ...] = ()


def decode_exact_png(data: bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8] | None:
    """The pixels, uint8 (h, w) or (h, w, 3), of an intact PNG of exactly `shape` (h, w, 1 or 3).

    None for any other file. Reads what Pillow would read in a fifth of its time, since it takes
    only PNGs of 8 bits without transparency, orientation or any chunk that changes pixels.
    """
    if not data.startswith(_plain_header(shape)) or not _plain_chunks(data):
        return None
    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    if pixels.ndim == 2:
        return np.asarray(pixels, np.uint8)
    # OpenCV orders colours blue, green, red.
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)


def open_image(data: bytes, limits: Limits) -> Image.Image:
    """The image in `data` with its kind and size known, nothing decoded yet.

    Raises TooLarge, UnsupportedImage for what is no image that is read, BadImage when damaged.
    """
    if not data:
        raise BadImage("The image is empty: not one byte came. Check the path of the file.")
    if len(data) > limits.bytes:
        raise TooLarge(f"The image has {len(data)} bytes; at most {limits.bytes} are read.")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise _too_many(limits) from problem
    except UnidentifiedImageError as problem:
        if data.startswith(_SIGNATURES):
            raise BadImage("The image breaks off in its header. Send it again, whole.") from problem
        raise UnsupportedImage(
            f"This is not an image of a type that is read: {', '.join(FORMATS)}."
        ) from problem
    except _DAMAGE as problem:
        raise BadImage(f"The image is damaged: {problem}.") from problem
    if image.width * image.height > limits.pixels:
        raise _too_many(limits, image)
    return image


def decode(image: Image.Image) -> Picture:
    """The first frame of what `open_image` returned, decoded and turned upright by its EXIF.

    Raises BadImage when the file is truncated or damaged.
    """
    try:
        image.draft(None, DRAFT_SIZE)
        turned = _orientation(image) in range(2, 9)
        image.load()  # Pillow applies the orientation of a TIFF here.
        steps = []
        if turned:
            image = ImageOps.exif_transpose(image)
            steps.append("turned upright by its EXIF orientation")
        if (plain := _to_8_bit(image)) is not image:
            steps.append(f"converted from mode {image.mode} to {plain.mode}")
        return Picture(plain, tuple(steps))
    except _DAMAGE as problem:
        raise BadImage(f"The image is truncated or damaged: {problem}.") from problem


@cache
def _plain_header(shape: tuple[int, int, int]) -> bytes:
    """The first 29 bytes of a PNG of `shape` with 8 bits a channel and no interlacing."""
    height, width, channels = shape
    kind = {1: 0, 3: 2}.get(channels, 255)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(
        ">I4sIIBBBBB", 13, b"IHDR", width, height, 8, kind, 0, 0, 0
    )


def _plain_chunks(data: bytes) -> bool:
    """Whether the PNG `data` holds only pixels, their density, a date, and nothing behind."""
    place = 33
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
        if kind == b"IEND":
            return bool(place == len(data))
        if kind not in (b"IDAT", b"pHYs", b"tIME"):
            return False
    return False


def _too_many(limits: Limits, image: Image.Image | None = None) -> TooLarge:
    size = "too many" if image is None else f"{image.width}×{image.height}"
    return TooLarge(f"The image has {size} pixels; at most {limits.pixels} are decoded.")


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(Base.Orientation, 1)
    except _DAMAGE:  # Damaged EXIF does not make the image unreadable.
        return 1
    return value if isinstance(value, int) else 1


def _to_8_bit(image: Image.Image) -> Image.Image:
    if "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
        # A palette, and a PNG of mode L or RGB, may name one transparent colour.
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        opaque = image.getchannel("A").getextrema() == (255, 255)
        return image.convert(image.mode[:-1]) if opaque else image
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith(("I", "F")):
        return _from_wide(image)
    return image.convert("RGB")


def _from_wide(image: Image.Image) -> Image.Image:
    """16-bit values are divided by 257; wider and float ones are scaled by their range."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(values.min())), float(values.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and low == 0 and 255 < high <= 65_535):
        scaled = values / 257
    elif image.mode == "F" and low == 0 and high <= 1:
        scaled = values * 255
    elif low == 0 and high <= 255:
        scaled = values
    else:
        scaled = (values - low) * (255 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(np.round(scaled).astype(np.uint8))
