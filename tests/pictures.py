"""Small real image files for tests: made by Pillow, one call each."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


def save(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """`image` as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def seven(size: int = 120, ink: Any = (20, 20, 60), paper: Any = (250, 248, 240)) -> Image.Image:
    """A hand-drawn 7 in the upper left of a square sheet."""
    image = Image.new("RGB", (size, size), paper)
    points = [(0.2, 0.2), (0.5, 0.2), (0.36, 0.62)]
    scaled = [(size * x, size * y) for x, y in points]
    ImageDraw.Draw(image).line(scaled, ink, max(2, size // 20), joint="curve")
    return image


def noise(height: int, width: int, channels: int = 3, seed: int = 1) -> Image.Image:
    """Random pixels."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))
