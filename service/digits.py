"""A picture of a digit, however it was made, becomes light ink on black, as MNIST's are.

MNIST scaled its digits to fit 20×20 pixels and centred them by their centre of mass in 28×28
(LeCun, Cortes and Burges, "The MNIST database of handwritten digits"); the same is done here.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WORK = 768
"""Longer side, in pixels, of the picture in which the ink is looked for."""
COARSE = 256
"""The same for the estimate of the paper, which has no fine detail."""
FILL = 20 / 28
"""Share of the model's input that the digit's longer side takes."""
FAINT = 14
"""Contrast, of 255, below which nothing counts as ink."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Where ink is and how much: `strength` uint8 (h, w), `mask` where it is the digit's."""

    strength: Pixels
    mask: Mask


def ground(image: Image.Image) -> int:
    """The grey to put under a transparent picture: the one its ink stands out from."""
    if image.mode not in ("LA", "RGBA"):
        return 255
    grey = np.asarray(image.convert("LA"), dtype=np.float32)
    alpha = grey[..., 1]
    light = float((grey[..., 0] * alpha).sum() / max(1.0, float(alpha.sum())))
    return 0 if light > 140 else 255


def isolate(pixels: Pixels, size: tuple[int, int]) -> tuple[Pixels, tuple[str, ...]]:
    """The digit in `pixels`, uint8 (h, w) or (h, w, 3), as uint8 of `size` (h, w), and the steps.

    Without ink, all zero.
    """
    steps: list[str] = []
    work = _reduce(pixels if pixels.ndim == 3 else pixels[..., np.newaxis])
    dark = _ink_is_dark(work)
    if pixels.ndim == 3:
        steps.append("made grey by the colour that stands out most from the ground")
    ink = _find(work, dark)
    if ink is None:
        return np.zeros(size, np.uint8), (*steps, "found no ink: blank")
    steps.append("inverted: dark ink on a light ground" if dark else "light ink on a dark ground")
    tight, box = _crop(ink)
    height, width = box[3] - box[1], box[2] - box[0]
    steps.append(f"found the ink: {width}×{height} of {work.shape[1]}×{work.shape[0]}")
    scaled, stroke = _scale(tight, size)
    steps.extend(stroke)
    steps.append(f"scaled to {scaled.shape[1]}×{scaled.shape[0]}")
    steps.append(f"centred by centre of mass in {size[1]}×{size[0]}")
    return _centre(scaled, size), tuple(steps)


def _reduce(pixels: Pixels) -> Pixels:
    """`pixels` (h, w, c) with its longer side at most WORK, each pixel the mean of an area."""
    share = max(pixels.shape[:2]) / WORK
    return pixels if share <= 1 else _resize(pixels, 1 / share)


def _resize(pixels: Pixels, share: float) -> Pixels:
    height, width = pixels.shape[:2]
    size = max(1, round(width * share)), max(1, round(height * share))
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    resized: Pixels = np.asarray(cv2.resize(pixels, size, interpolation=way), dtype=np.uint8)
    return resized if resized.ndim == 3 else resized[..., np.newaxis]


def _ink_is_dark(work: Pixels) -> bool:
    """Whether what stands out from its surroundings is darker than they are."""
    small = _resize(work, min(1.0, 128 / max(work.shape[:2])))
    grey = small.astype(np.float32).mean(axis=2)
    window = max(3, (min(grey.shape) // 2) | 1)
    paper = cv2.medianBlur(np.round(grey).astype(np.uint8), min(window, 127)).astype(np.float32)
    # The frame is left out: what reaches in there is the table, a finger, a shadow.
    frame = max(1, min(grey.shape) // 16)
    inner = (slice(frame, -frame or None),) * 2
    difference = (paper - grey)[inner] if min(grey.shape) > 2 * frame else paper - grey
    difference = np.sign(difference) * np.maximum(0, np.abs(difference) - 6)
    return bool((np.maximum(0, difference) ** 2).sum() >= (np.minimum(0, difference) ** 2).sum())


def _find(work: Pixels, dark: bool) -> Ink | None:
    """The ink of the digit, or None when nothing stands out."""
    strength = _strength(work, dark)
    noise = float(np.median(strength))
    level = _level(strength, max(FAINT, 5 * noise))
    if level is None:
        return None
    for threshold in (0.5 * level, 0.35 * level):
        mask = _digit_of(strength, max(threshold, FAINT))
        if mask is not None:
            return Ink(strength, mask)
    return None


def _strength(work: Pixels, dark: bool) -> Pixels:
    """How far each pixel stands out from the paper in the colour where it does so most.

    The paper is a morphological closing (opening for light ink): all that is narrower than the
    window is ink, all that is broader - shadows, uneven light - is paper.
    """
    image = work if dark else 255 - work
    share = min(1.0, COARSE / max(image.shape[:2]))
    coarse = cv2.GaussianBlur(_resize(image, share), (3, 3), 0)
    window = max(3, round(min(coarse.shape[:2]) * 0.3) | 1)
    shape = cv2.getStructuringElement(cv2.MORPH_RECT, (window, window))
    closed = cv2.morphologyEx(coarse, cv2.MORPH_CLOSE, shape, borderType=cv2.BORDER_REPLICATE)
    even = cv2.GaussianBlur(closed, (0, 0), max(1.0, window / 8))
    large = cv2.resize(even, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    paper = np.asarray(large, np.float32).reshape(image.shape)
    smooth = cv2.GaussianBlur(image, (3, 3), 0) if min(image.shape[:2]) > 100 else image
    # Relative to the paper's light, as ink in the shade is as black as ink in the sun.
    depth = (paper - np.asarray(smooth).reshape(image.shape)) * (255 / np.maximum(paper, 64))
    apart = np.clip(depth.max(axis=2), 0, 255)
    apart -= min(float(np.median(apart)), 40.0)
    return np.asarray(np.clip(apart, 0, 255), np.uint8)


def _level(strength: Pixels, floor: float) -> float | None:
    """How strong full ink is: the upper half of what Otsu's threshold keeps above `floor`."""
    candidates = strength[strength >= floor]
    if candidates.size < max(3, strength.size // 20_000):
        return None
    threshold, _ = cv2.threshold(candidates, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(np.median(candidates[candidates >= threshold]))


def _digit_of(strength: Pixels, threshold: float) -> Mask | None:
    """The connected parts of the ink that make up the digit."""
    binary = (strength >= threshold).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count < 2:
        return None
    stats = np.asarray(boxes, np.int32)
    weights = strength.ravel().astype(np.float64)
    mass = np.bincount(np.asarray(labels).ravel(), weights, minlength=count).astype(np.float64)
    mass[0] = 0
    inside = np.array([not _touches(stats[i], strength.shape) for i in range(count)])
    # What reaches the frame is only the digit when nothing else is there.
    if (mass * inside).max() >= 0.02 * mass.max():
        mass = mass * inside
    main = int(mass.argmax())
    kept = [i for i in range(1, count) if i == main or _belongs(stats, mass, main, i)]
    return np.isin(labels, kept)


def _touches(stat: NDArray[np.int32], shape: tuple[int, ...]) -> bool:
    left, top, width, height, _ = stat
    return bool(left == 0 or top == 0 or left + width == shape[1] or top + height == shape[0])


def _belongs(stats: NDArray[np.int32], mass: NDArray[np.float64], main: int, other: int) -> bool:
    """Whether a part is near the main one and no speck beside it."""
    if mass[other] < 0.03 * mass[main]:
        return False
    left, top, width, height, _ = stats[main]
    x, y, w, h, _ = stats[other]
    across = max(0, x - (left + width), left - (x + w))
    down = max(0, y - (top + height), top - (y + h))
    return bool(np.hypot(across, down) <= 0.3 * max(width, height))


def _crop(ink: Ink) -> tuple[Pixels, tuple[int, int, int, int]]:
    """The ink alone, and its box (left, top, right, bottom)."""
    around = cv2.dilate(ink.mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    rows, columns = np.flatnonzero(ink.mask.any(axis=1)), np.flatnonzero(ink.mask.any(axis=0))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    full = max(1.0, 0.9 * float(np.median(ink.strength[ink.mask])))
    even = np.clip(ink.strength * (255.0 / full), 0, 255) * around
    left, top, right, bottom = box
    return even[top:bottom, left:right].astype(np.uint8), box


def _scale(tight: Pixels, size: tuple[int, int]) -> tuple[Pixels, list[str]]:
    """`tight` so that its longer side takes FILL of `size`, with strokes as wide as MNIST's."""
    longer = FILL * min(size)
    share = longer / max(tight.shape)
    tight, steps = _widen(tight, share)
    share = longer / max(tight.shape)
    target = [max(1, round(side * share)) for side in tight.shape]
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(tight, target[::-1], interpolation=way).astype(np.float32)
    peak = float(np.percentile(scaled[scaled > 32], 85)) if (scaled > 32).any() else 255.0
    return np.clip(scaled * (255.0 / peak), 0, 255).astype(np.uint8), steps


def _widen(tight: Pixels, share: float) -> tuple[Pixels, list[str]]:
    """Thicken strokes that would be thinner than 2 pixels of the model's input."""
    mask = (tight >= 128).astype(np.uint8)
    if not mask.any():
        return tight, []
    # Over a line of width w the distance to its edge is w/4 on average.
    distance = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)
    stroke = 4 * float(distance[distance > 0].mean()) * share
    if stroke >= 2.0:
        return tight, []
    radius = round((2.4 - stroke) / share / 2)
    if radius < 1:
        return tight, []
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wide = cv2.dilate(np.pad(tight, radius), shape).astype(np.uint8)
    return wide, [f"thickened the stroke from {stroke:.1f} to 2.4 pixels"]


def _centre(scaled: Pixels, size: tuple[int, int]) -> Pixels:
    """`scaled` in a black image of `size`, its centre of mass in the middle."""
    mass = scaled.astype(np.float64)
    total = max(1.0, float(mass.sum()))
    rows, columns = np.arange(mass.shape[0]), np.arange(mass.shape[1])
    y = float(mass.sum(axis=1) @ rows) / total
    x = float(mass.sum(axis=0) @ columns) / total
    # The middle of n pixels is (n − 1) / 2; the picture must stay inside whatever its mass says.
    top = _clamp(round((size[0] - 1) / 2 - y), size[0] - mass.shape[0])
    left = _clamp(round((size[1] - 1) / 2 - x), size[1] - mass.shape[1])
    canvas = np.zeros(size, np.uint8)
    canvas[top : top + mass.shape[0], left : left + mass.shape[1]] = scaled
    return canvas


def _clamp(value: int, most: int) -> int:
    return min(max(value, 0), max(most, 0))
