"""Images and a strength become images that a camera, a scanner or a hand might have spoiled.

All take and give uint8 (n, h, w, c). What comes in at an edge repeats the edge.
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
    """One way to spoil an image, at strengths that `words` puts into words."""

    name: str
    words: str
    strengths: tuple[float, float, float]
    spoil: Callable[[Pixels, float, np.random.Generator], Pixels]

    def __call__(self, images: Pixels, strength: float, seed: int = 1) -> Pixels:
        """`images` at one of the strengths; the same seed spoils them in the same way."""
        random = np.random.default_rng([seed, self.strengths.index(strength)])
        return self.spoil(images, strength, random)

    def say(self, strength: float) -> str:
        """The strength in words."""
        return self.words.format(f"{strength:g}")


def brighten(images: Pixels, levels: float, random: np.random.Generator) -> Pixels:
    """Add to every value; what passes 255 stays there."""
    return _pixels(images + np.float32(levels))


def flatten(images: Pixels, share: float, random: np.random.Generator) -> Pixels:
    """Leave a share of each image's contrast around its mean."""
    values = images.astype(np.float32)
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    return _pixels(mean + np.float32(share) * (values - mean))


def blur(images: Pixels, deviation: float, random: np.random.Generator) -> Pixels:
    """A Gaussian of that deviation in pixels."""
    return _each(images, lambda image: _as_pixels(cv2.GaussianBlur(image, (0, 0), deviation)))


def add_noise(images: Pixels, deviation: float, random: np.random.Generator) -> Pixels:
    """A normal error of every value, of that deviation."""
    noise = random.standard_normal(images.shape, dtype=np.float32)
    return _pixels(images + np.float32(deviation) * noise)


def compress(images: Pixels, quality: float, random: np.random.Generator) -> Pixels:
    """Through JPEG at that quality and back."""

    def through(image: Pixels) -> Pixels:
        _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
        return _as_pixels(cv2.imdecode(file, cv2.IMREAD_UNCHANGED))

    return _each(images, through)


def rotate(images: Pixels, degrees: float, random: np.random.Generator) -> Pixels:
    """Turn by so much around the middle, half of the images the other way."""
    height, width = images.shape[1:3]
    middle = ((width - 1) / 2, (height - 1) / 2)
    turns = [cv2.getRotationMatrix2D(middle, side * degrees, 1) for side in (-1, 1)]
    return _warped(images, [turns[side] for side in random.integers(0, 2, len(images))])


def translate(images: Pixels, pixels: float, random: np.random.Generator) -> Pixels:
    """Move by so much up, down, left or right."""
    ways = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)], np.float64)[
        random.integers(0, 4, len(images))
    ]
    return _warped(images, [np.column_stack([np.eye(2), pixels * way]) for way in ways])


def occlude(images: Pixels, side: float, random: np.random.Generator) -> Pixels:
    """Cover a square of that side, anywhere inside, with the image's mean colour."""
    spoiled, size = images.copy(), int(side)
    tops = random.integers(0, images.shape[1] - size + 1, len(images))
    lefts = random.integers(0, images.shape[2] - size + 1, len(images))
    for image, top, left in zip(spoiled, tops, lefts, strict=True):
        image[top : top + size, left : left + size] = image.mean(axis=(0, 1)).round()
    return spoiled


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
    """What OpenCV gave, which says no type."""
    return np.asarray(image, np.uint8)


def _each(images: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Every image by itself; OpenCV leaves out the axis of a single channel."""
    return np.stack([change(image) for image in images]).reshape(images.shape)


def _warped(images: Pixels, matrices: list[NDArray[np.float64]]) -> Pixels:
    """Each image by its own 2×3 matrix."""
    size = (images.shape[2], images.shape[1])
    moved = [
        _as_pixels(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))
        for image, matrix in zip(images, matrices, strict=True)
    ]
    return np.stack(moved).reshape(images.shape)
