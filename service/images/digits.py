"""A picture of a digit becomes light ink on black in MNIST's framing.

MNIST scaled its digits to fit 20×20 pixels and centred them by their centre of mass in 28×28
(LeCun, Cortes and Burges, "The MNIST database of handwritten digits"); the same is done here.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.images import ink
from service.images.ink import Ink

Pixels = NDArray[np.uint8]

WORKING_SIDE = 768
"""Longer side, in pixels, of the reduced picture in which the ink is searched."""
DIGIT_SHARE = 20 / 28
"""Longer side of the digit as a share of the model's input."""


def ground(image: Image.Image) -> int:
    """The grey, 0 or 255, to put under a transparent picture: black when its ink is light."""
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
    found = ink.find(work)
    if pixels.ndim == 3:
        steps.append("made grey by the colour that stands out most from the ground")
    if found is None:
        return np.zeros(size, np.uint8), (*steps, "found no ink: blank")
    kind = "inverted: dark ink on a light ground" if found.dark else "light ink on a dark ground"
    left, top, right, bottom = found.box
    where = f"{right - left}×{bottom - top} of {work.shape[1]}×{work.shape[0]}"
    steps.extend((kind, f"found the ink: {where}"))
    tight = _crop(found)
    scaled, stroke = _scale(tight, size)
    steps.extend(stroke)
    steps.append(f"scaled to {scaled.shape[1]}×{scaled.shape[0]}")
    steps.append(f"centred by centre of mass in {size[1]}×{size[0]}")
    return _centre(scaled, size), tuple(steps)


def _reduce(pixels: Pixels) -> Pixels:
    """`pixels` (h, w, c) with its longer side at most WORKING_SIDE; shrinking averages areas."""
    share = max(pixels.shape[:2]) / WORKING_SIDE
    return pixels if share <= 1 else ink.resize(pixels, 1 / share)


def _crop(found: Ink) -> Pixels:
    """The ink inside its bounding box, uint8, scaled so that full ink is 255."""
    around = cv2.dilate(found.mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    full = max(1.0, 0.9 * float(np.median(found.strength[found.mask])))
    even = np.clip(found.strength * (255.0 / full), 0, 255) * around
    left, top, right, bottom = found.box
    return np.asarray(even[top:bottom, left:right], np.uint8)


def _scale(tight: Pixels, size: tuple[int, int]) -> tuple[Pixels, list[str]]:
    """`tight` so that its longer side takes DIGIT_SHARE of `size`, with MNIST's strokes."""
    longer = DIGIT_SHARE * min(size)
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
