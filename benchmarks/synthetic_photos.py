"""A digit, uint8 (28, 28), becomes a synthetic photograph of its handwriting: a JPEG with EXIF.

Pen, paper, light and camera are drawn at random; only the centre line of the strokes comes from the
digit. The service's own preparation of images, which is tested with these photographs, is not used.
"""

import io
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Paper = Literal["plain", "ruled", "squared", "textured"]

INKS = {
    "black": (36, 34, 40),
    "blue": (36, 58, 150),
    "red": (188, 42, 48),
    "green": (30, 110, 70),
    "pencil": (104, 104, 108),
    "chalk": (232, 232, 226),
}
PAPERS: tuple[Paper, ...] = ("plain", "ruled", "squared", "textured")
STROKES = {"thin": (0.03, 0.045), "pen": (0.05, 0.11), "marker": (0.12, 0.2)}
"""Width of the line as a share of the digit's longer side; in MNIST it is about 0.12."""

# The transposition with which an image of each EXIF orientation is stored.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """The photograph, and the properties by which results are grouped."""

    jpeg: bytes
    ink: str
    stroke: str
    paper: Paper


def photograph(digit: Pixels, rng: np.random.Generator) -> Scene:
    """A photograph of `digit`, 400 to 3,000 pixels on its longer side."""
    ink = str(rng.choice(list(INKS)))
    width = str(rng.choice(list(STROKES)))
    paper: Paper = PAPERS[rng.integers(len(PAPERS))] if ink != "chalk" else "textured"
    longer = int(np.exp(rng.uniform(np.log(400), np.log(3000))))
    shape = longer, int(longer * rng.uniform(0.6, 1.0))
    height, wide = shape if rng.random() < 0.5 else shape[::-1]
    sheet = _sheet(height, wide, ink, paper, rng)
    cover = _written(digit, height, wide, width, rng)[..., np.newaxis]
    colour = np.array(INKS[ink], np.float32) + rng.uniform(-14, 14, 3).astype(np.float32)
    sheet += (colour - sheet) * cover * np.float32(rng.uniform(0.8, 1.0))
    sheet *= _light(height, wide, rng)[..., np.newaxis]
    return Scene(_shoot(sheet, rng), ink, width, paper)


def _sheet(height: int, width: int, ink: str, paper: Paper, rng: np.random.Generator) -> Floats:
    """Blank paper, or a blackboard for chalk: float32 (h, w, 3) in 0..255."""
    board = np.array([(40, 62, 52), (45, 45, 48)][rng.integers(2)])
    ground = board if ink == "chalk" else rng.uniform(205, 250) - rng.uniform(0, 22, 3)
    sheet = np.ones((height, width, 3), np.float32) * ground.astype(np.float32)
    if paper == "textured":
        small = rng.normal(0, 1, (height // 6 + 1, width // 6 + 1)).astype(np.float32)
        grain = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        sheet += grain[..., np.newaxis] * np.float32(rng.uniform(1, 4))
    if paper in ("ruled", "squared"):
        _print_lines(sheet, paper == "squared", rng)
    return sheet


def _print_lines(sheet: Floats, squared: bool, rng: np.random.Generator) -> None:
    shorter = min(sheet.shape[:2])
    step = max(12, int(shorter * rng.uniform(0.03, 0.09)))
    thick = max(1, round(shorter / 600))
    tone = np.array((160, 182, 212), np.float32) + rng.uniform(-15, 15)
    for start in range(int(rng.integers(step)), sheet.shape[0], step):
        sheet[start : start + thick] = tone
    for start in range(int(rng.integers(step)), sheet.shape[1], step) if squared else ():
        sheet[:, start : start + thick] = tone


def _written(
    digit: Pixels, height: int, width: int, stroke: str, rng: np.random.Generator
) -> Floats:
    """The share of each pixel that is covered with ink: float32 (h, w) in 0..1."""
    large = cv2.resize(np.pad(digit, 6), None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    line = thin(large > 127)  # at six times the digit's resolution
    away = cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, 5)
    ys, xs = np.nonzero(line)
    extent = max(int(np.ptp(ys)), int(np.ptp(xs)), 30)
    side = float(min(height, width) * rng.uniform(0.08, 0.6))
    share = side / extent  # pixels of the sheet per pixel of the fine line
    radius = max(0.6, side * rng.uniform(*STROKES[stroke]) / 2)
    # Rotated by a few degrees and sheared, as seen a little from the side.
    turn, slant = np.radians(rng.uniform(-8, 8)), rng.uniform(-0.1, 0.1)
    bend = np.array([[1, slant], [0, 1]]) * share
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = rotate @ bend
    corners = linear @ np.stack([xs, ys]).astype(np.float64)
    low, high = corners.min(axis=1) - 2 * radius, corners.max(axis=1) + 2 * radius
    room = np.maximum(0, np.array([width, height]) - (high - low))
    offset = rng.uniform(0, 1, 2) * room - low
    matrix = np.hstack([linear, offset[:, np.newaxis]])
    far = cv2.warpAffine(
        cv2.GaussianBlur(away, (0, 0), 0.8),
        matrix,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(np.clip(radius - far * share + 0.8, 0, 1), np.float32)


def thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The centre line of strokes (Zhang and Suen, 1984): bool (h, w) to bool (h, w)."""
    line = np.pad(mask, 1)
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            n = [
                np.roll(line, move, (0, 1))
                for move in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            count = np.sum(n, axis=0)
            turns = np.sum([~n[i] & n[(i + 1) % 8] for i in range(8)], axis=0)
            up, right, down, left = n[0], n[2], n[4], n[6]
            if first:
                free = ~(up & right & down) & ~(right & down & left)
            else:
                free = ~(up & right & left) & ~(up & down & left)
            gone = line & (count >= 2) & (count <= 6) & (turns == 1) & free
            line = line & ~gone
            changed |= bool(gone.any())
    return line[1:-1, 1:-1]


def _light(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Brightness by pixel: a gradient, a vignette and, in a third of cases, a shadow; (h, w)."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis]
    x = np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis]
    angle = rng.uniform(0, 2 * np.pi)
    along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    light = np.float32(0.85) + np.float32(rng.uniform(0, 0.25) / 1.4) * along
    light -= np.float32(rng.uniform(0, 0.15)) * (x**2 + y**2)
    if rng.random() < 0.33:
        edge = (along - np.float32(rng.uniform(-0.8, 0.8))) * np.float32(rng.uniform(5, 30))
        light *= 1 - np.float32(rng.uniform(0.1, 0.45)) / (1 + np.exp(-edge))
    return light * np.float32(rng.uniform(0.75, 1.1))


def _shoot(scene: Floats, rng: np.random.Generator) -> bytes:
    """Blur, sensor noise and JPEG compression, in one of the eight EXIF orientations."""
    size = max(scene.shape[:2])
    sharp = float(rng.uniform(0.5, 1.2)) * max(1.0, size / 1500)
    blurred = cv2.GaussianBlur(scene, (0, 0), sharp)
    noise = np.empty(scene.shape, np.float32)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    deviation = np.full(3, rng.uniform(1, 6))
    cv2.randn(noise, np.zeros(3), deviation)
    pixels = np.clip(blurred + noise, 0, 255).astype(np.uint8)
    orientation = int(rng.integers(1, 9))
    image, stored = Image.fromarray(pixels), _STORED[orientation]
    if stored is not None:
        image = image.transpose(stored)
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(60, 91)), exif=exif)
    return buffer.getvalue()
