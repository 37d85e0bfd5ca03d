"""An input shape becomes drawn out-of-distribution images, which a model should score as such."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Shape = tuple[int, int, int]

COUNT = 500
"""Images of each kind."""
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabdefhkmnprtwxy"
"""Letters that do not look like a digit."""
FONTS = range(8)
"""The numbers of OpenCV's Hershey fonts."""


def drawings(shape: Shape, seed: int = 1) -> dict[str, Pixels]:
    """The images by kind, each uint8 (COUNT, h, w, c) in 0..255, for `shape` (h, w, c)."""
    random = np.random.default_rng(seed)
    return {name: draw(shape, random) for name, draw in _KINDS.items()}


def _blank(shape: Shape, random: np.random.Generator) -> Pixels:
    """Images of a single random colour, with black and white as the first two."""
    colours = random.integers(0, 256, (COUNT, 1, 1, shape[2]), dtype=np.uint8)
    colours[:2] = [[[[0]]], [[[255]]]]
    return np.broadcast_to(colours, (COUNT, *shape)).copy()


def _noise(shape: Shape, random: np.random.Generator) -> Pixels:
    return random.integers(0, 256, (COUNT, *shape), dtype=np.uint8)


def _speckles(shape: Shape, random: np.random.Generator) -> Pixels:
    """Black images in which a random tenth of the pixels is white."""
    lit = random.random((COUNT, *shape[:2], 1)) < 0.1
    return np.broadcast_to(lit * np.uint8(255), (COUNT, *shape)).astype(np.uint8)


def _letters(shape: Shape, random: np.random.Generator) -> Pixels:
    return np.stack([_letter(shape, random) for _ in range(COUNT)])


def _letter(shape: Shape, random: np.random.Generator) -> Pixels:
    """A white letter in the centre, as large as a digit of MNIST."""
    fine = 8  # The letter is drawn at 8 times the size and shrunk, which smooths its edges.
    height, width, channels = shape
    canvas = np.zeros((height * fine, width * fine), np.uint8)
    text = str(random.choice(list(LETTERS)))
    font, thick = int(random.choice(FONTS)), int(random.integers(fine, 3 * fine))
    size = max(cv2.getTextSize(text, font, 1, 1)[0])
    scale = min(height, width) * fine * 0.7 / size
    across, up = cv2.getTextSize(text, font, scale, thick)[0]
    place = ((canvas.shape[1] - across) // 2, (canvas.shape[0] + up) // 2)
    cv2.putText(canvas, text, place, font, scale, 255, thick, cv2.LINE_AA)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return np.repeat(np.asarray(small, np.uint8)[..., np.newaxis], channels, axis=2)


_KINDS: dict[str, Callable[[Shape, np.random.Generator], Pixels]] = {
    "blank": _blank,
    "noise": _noise,
    "speckles": _speckles,
    "letters": _letters,
}
