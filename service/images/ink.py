"""A picture of handwriting becomes its ink: a mask, a strength, and whether it is dark or light.

Ink is narrow and differs from its surroundings; paper, shadows, uneven light and the edge of a
table are broad. So everything wider than a stroke is taken away, by grey-scale morphology.
"""

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

PAPER_SIDE = 256
"""Longer side, in pixels, of the reduced picture from which the paper is estimated."""
MAX_STROKE = 0.3
"""Widest stroke as a share of the picture's shorter side."""
MIN_CONTRAST = 14
"""Contrast, of 255, below which nothing counts as ink."""


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink of a digit: `strength` uint8 (h, w), `mask` bool (h, w), and whether it is dark."""

    strength: Pixels
    mask: Mask
    dark: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The bounding box in pixels: left, top, right, bottom; the last two exclusive."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask.any(axis=0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def find(pixels: Pixels) -> Ink | None:
    """The ink of the largest written sign and of the parts near it; None without ink.

    `pixels` is uint8 (h, w, c).
    """
    dark = _is_dark(pixels)
    strength = _strength(pixels, 64) if dark else _strength(255 - pixels, 160)
    level = _level(strength, max(MIN_CONTRAST, 5 * float(np.median(strength))))
    if level is None:
        return None
    for threshold in (0.5 * level, 0.35 * level):
        mask = _main(strength, max(threshold, MIN_CONTRAST))
        if mask is not None:
            return Ink(strength, mask, dark)
    return None


def resize(pixels: Pixels, share: float) -> Pixels:
    """`pixels` (h, w, c) scaled by `share`; shrinking averages areas."""
    height, width = pixels.shape[:2]
    size = max(1, round(width * share)), max(1, round(height * share))
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    resized: Pixels = np.asarray(cv2.resize(pixels, size, interpolation=way), dtype=np.uint8)
    return resized if resized.ndim == 3 else resized[..., np.newaxis]


def _is_dark(pixels: Pixels) -> bool:
    """Whether the narrow contrast of the picture is darker than its surroundings."""
    coarse = resize(pixels, min(1.0, PAPER_SIDE / max(pixels.shape[:2])))
    shorter = min(coarse.shape[:2])
    most = cv2.medianBlur(coarse, max(3, (shorter // 2) | 1)).reshape(coarse.shape)
    away = coarse.astype(np.float32) - most
    # The channel with most contrast counts: red ink is dark in green and blue only.
    dark = np.minimum(_narrow(coarse, cv2.MORPH_CLOSE), -away).max(axis=2)
    light = np.minimum(_narrow(coarse, cv2.MORPH_OPEN), away).max(axis=2)
    # The border is left out: a table, a finger or a shadow may reach into it.
    frame = shorter // 16
    inner = (slice(frame, dark.shape[0] - frame), slice(frame, dark.shape[1] - frame))
    return _energy(dark[inner]) >= _energy(light[inner])


def _energy(contrast: Floats) -> float:
    noise = 3 * float(np.median(np.abs(contrast)))
    return float((np.maximum(0, contrast - max(6.0, noise)) ** 2).sum())


def _narrow(image: Pixels, way: int) -> Floats:
    """How far each pixel is from the image without anything narrower than MAX_STROKE."""
    broad = _broad(image, way).astype(np.float32)
    return np.asarray(np.abs(broad - image), np.float32)


def _broad(image: Pixels, way: int) -> Pixels:
    window = max(3, round(min(image.shape[:2]) * MAX_STROKE) | 1)
    shape = cv2.getStructuringElement(cv2.MORPH_RECT, (window, window))
    # The margin keeps a border that is darker than the middle from counting as ink.
    roomy = cv2.copyMakeBorder(image, *(window,) * 4, cv2.BORDER_REPLICATE)
    broad = cv2.morphologyEx(roomy, way, shape)[window:-window, window:-window]
    return np.asarray(broad, np.uint8).reshape(image.shape)


def _strength(image: Pixels, least: int) -> Pixels:
    """The contrast of dark ink to the paper, uint8 (h, w), in the channel where it is largest.

    Divided by the paper's brightness, but at least by `least`, so that ink in a shadow counts as
    much as ink in the light.
    """
    coarse = resize(image, min(1.0, PAPER_SIDE / max(image.shape[:2])))
    coarse = np.asarray(cv2.GaussianBlur(coarse, (3, 3), 0), np.uint8).reshape(coarse.shape)
    closed = _broad(coarse, cv2.MORPH_CLOSE)
    even = cv2.GaussianBlur(closed, (0, 0), max(1.0, min(coarse.shape[:2]) * MAX_STROKE / 8))
    # At the edge of a shadow the blurred paper is lighter than its dark side.
    large = cv2.resize(np.minimum(closed, even.reshape(closed.shape)), image.shape[1::-1])
    paper = np.asarray(large, np.float32).reshape(image.shape)
    smooth = cv2.GaussianBlur(image, (3, 3), 0) if min(image.shape[:2]) > 100 else image
    depth = (paper - np.asarray(smooth).reshape(image.shape)) * (255 / np.maximum(paper, least))
    # Faster than the maximum over the short last axis.
    deepest = reduce(np.maximum, (depth[..., i] for i in range(depth.shape[2])))
    apart = np.clip(deepest, 0, 255)
    apart -= min(float(np.median(apart)), 40.0)
    return np.asarray(np.clip(apart, 0, 255), np.uint8)


def _level(strength: Pixels, floor: float) -> float | None:
    """The strength of full ink: the median above Otsu's threshold of all values from `floor` up."""
    candidates = strength[strength >= floor]
    if candidates.size < max(3, strength.size // 20_000):
        return None
    threshold, _ = cv2.threshold(candidates, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(np.median(candidates[candidates >= threshold]))


def _main(strength: Pixels, threshold: float) -> Mask | None:
    """The heaviest connected component and those near it: a 5 or a 4 may have two."""
    binary = (strength >= threshold).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count < 2:
        return None
    stats = np.asarray(boxes, np.int32)
    weights = strength.ravel().astype(np.float64)
    mass = np.bincount(np.asarray(labels).ravel(), weights, minlength=count).astype(np.float64)
    mass[0] = 0
    left, top, width, height = stats.T[:4]
    right, bottom = left + width, top + height
    inside = (left > 0) & (top > 0) & (right < strength.shape[1]) & (bottom < strength.shape[0])
    # A component that touches the border is the digit only when there is no other.
    if (mass * inside).max() >= 0.02 * mass.max():
        mass = mass * inside
    kept = _grow(np.stack([left, top, right, bottom], axis=1), mass)
    return np.asarray(kept[labels])


def _grow(boxes: NDArray[np.int32], mass: NDArray[np.float64]) -> Mask:
    """Which components belong to the digit: heavy enough and near those already taken."""
    kept = mass == mass.max()
    while True:
        low, high = boxes[kept, :2].min(axis=0), boxes[kept, 2:].max(axis=0)
        gap = np.maximum(0, np.maximum(boxes[:, :2] - high, low - boxes[:, 2:]))
        near = np.hypot(gap[:, 0], gap[:, 1]) <= 0.3 * (high - low).max()
        more = kept | (near & (mass >= 0.03 * mass[kept].sum()) & (mass > 0))
        if (more == kept).all():
            return np.asarray(kept)
        kept = more
