"""Images and a strength become corrupted images, as cameras, scanners and compression give them.

All functions take and return uint8 (n, h, w, c). Pixels from outside the image repeat its edge.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Corruption:
    """One kind of corruption; `words` is a format string that describes a strength."""

    name: str
    words: str
    strengths: tuple[float, float, float]
    corrupt: Callable[[Pixels, float, np.random.Generator], Pixels]

    def __call__(self, images: Pixels, strength: float, seed: int = 1) -> Pixels:
        """`images` corrupted with one of the strengths; the same seed gives the same result."""
        random = np.random.default_rng([seed, self.strengths.index(strength)])
        return self.corrupt(images, strength, random)

    def say(self, strength: float) -> str:
        """A description of the strength."""
        return self.words.format(f"{strength:g}")


def brighten(images: Pixels, levels: float, random: np.random.Generator) -> Pixels:
    """Adds to every value; values above 255 become 255."""
    return _pixels(images + np.float32(levels))


def flatten(images: Pixels, share: float, random: np.random.Generator) -> Pixels:
    """Reduces each image's contrast around its mean to a share."""
    values = images.astype(np.float32)
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    return _pixels(mean + np.float32(share) * (values - mean))


def blur(images: Pixels, deviation: float, random: np.random.Generator) -> Pixels:
    """Gaussian blur with that standard deviation in pixels."""
    return _each(images, lambda image: _as_pixels(cv2.GaussianBlur(image, (0, 0), deviation)))


def add_noise(images: Pixels, deviation: float, random: np.random.Generator) -> Pixels:
    """Adds normal noise with that standard deviation to every value."""
    noise = random.standard_normal(images.shape, dtype=np.float32)
    return _pixels(images + np.float32(deviation) * noise)


def compress(images: Pixels, quality: float, random: np.random.Generator) -> Pixels:
    """Compresses as JPEG of that quality and decodes."""

    def through(image: Pixels) -> Pixels:
        _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
        return _as_pixels(cv2.imdecode(file, cv2.IMREAD_UNCHANGED))

    return _each(images, through)


def rotate(images: Pixels, degrees: float, random: np.random.Generator) -> Pixels:
    """Rotates around the centre, each image in a random direction."""
    height, width = images.shape[1:3]
    middle = ((width - 1) / 2, (height - 1) / 2)
    turns = [cv2.getRotationMatrix2D(middle, side * degrees, 1) for side in (-1, 1)]
    return _warped(images, [turns[side] for side in random.integers(0, 2, len(images))])


def translate(images: Pixels, pixels: float, random: np.random.Generator) -> Pixels:
    """Shifts up, down, left or right, at random."""
    ways = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)], np.float64)[
        random.integers(0, 4, len(images))
    ]
    return _warped(images, [np.column_stack([np.eye(2), pixels * way]) for way in ways])


def occlude(images: Pixels, side: float, random: np.random.Generator) -> Pixels:
    """Covers a square with that side, at a random position, with the image's mean colour."""
    covered, size = images.copy(), int(side)
    tops = random.integers(0, images.shape[1] - size + 1, len(images))
    lefts = random.integers(0, images.shape[2] - size + 1, len(images))
    for image, top, left in zip(covered, tops, lefts, strict=True):
        image[top : top + size, left : left + size] = image.mean(axis=(0, 1)).round()
    return covered


CORRUPTIONS = (
    Corruption("brightness", "{} of 255 brighter", (25, 50, 100), brighten),
    Corruption("contrast", "{} of it left", (0.7, 0.4, 0.2), flatten),
    Corruption("blur", "Gaussian of {} pixels", (0.5, 1, 1.5), blur),
    Corruption("noise", "deviation {} of 255", (10, 25, 50), add_noise),
    Corruption("JPEG", "quality {}", (50, 20, 10), compress),
    Corruption("rotation", "{}°", (10, 20, 30), rotate),
    Corruption("translation", "{} pixels", (2, 4, 6), translate),
    Corruption("occlusion", "a square of {} pixels", (4, 8, 12), occlude),
)


def _pixels(values: NDArray[np.floating]) -> Pixels:
    pixels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels


def _as_pixels(image: Any) -> Pixels:
    """OpenCV's result, whose type it does not declare."""
    return np.asarray(image, np.uint8)


def _each(images: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Changes each image; restores the channel axis, which OpenCV drops if it has size 1."""
    return np.stack([change(image) for image in images]).reshape(images.shape)


def _warped(images: Pixels, matrices: list[NDArray[np.float64]]) -> Pixels:
    """Warps each image with its own 2×3 matrix."""
    size = (images.shape[2], images.shape[1])
    moved = [
        _as_pixels(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))
        for image, matrix in zip(images, matrices, strict=True)
    ]
    return np.stack(moved).reshape(images.shape)
