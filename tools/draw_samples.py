"""`python tools/draw_samples.py`: draws the sample images in service/samples, as PNG files.

Ten digits in ink on paper and ten scenes for the classes of CIFAR-10, made of lines and shapes;
nothing in them comes from a data set.
"""

# ruff: noqa: E501

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

FOLDER = Path(__file__).parent.parent / "service" / "samples"
SIDE = 256
OVERSAMPLING = 4  # Images are drawn four times as large and reduced, for smooth edges.

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

# A list of control points in the unit square for each stroke, joined by a Catmull-Rom spline.
DIGITS: dict[str, list[Points]] = {
    "0": [[(0.6, 0.04), (0.3, 0.12), (0.16, 0.5), (0.3, 0.9), (0.58, 0.94), (0.82, 0.6), (0.78, 0.2), (0.6, 0.04)]],
    "1": [[(0.36, 0.24), (0.54, 0.08), (0.5, 0.5), (0.46, 0.95)]],
    "2": [[(0.2, 0.24), (0.4, 0.05), (0.7, 0.12), (0.7, 0.36), (0.45, 0.66), (0.15, 0.92), (0.32, 0.86), (0.85, 0.93)]],
    "3": [[(0.22, 0.14), (0.5, 0.03), (0.74, 0.18), (0.62, 0.4), (0.4, 0.46), (0.66, 0.5), (0.8, 0.7), (0.6, 0.93), (0.2, 0.88)]],
    "4": [[(0.36, 0.05), (0.24, 0.35), (0.15, 0.6), (0.5, 0.58), (0.88, 0.55)], [(0.68, 0.2), (0.64, 0.55), (0.6, 0.97)]],
    "5": [[(0.8, 0.06), (0.55, 0.08), (0.32, 0.08), (0.27, 0.42), (0.5, 0.37), (0.76, 0.52), (0.7, 0.84), (0.42, 0.95), (0.16, 0.84)]],
    "6": [[(0.66, 0.04), (0.36, 0.28), (0.2, 0.64), (0.36, 0.93), (0.66, 0.88), (0.74, 0.64), (0.5, 0.52), (0.26, 0.68)]],
    "7": [[(0.16, 0.1), (0.5, 0.09), (0.82, 0.08), (0.64, 0.4), (0.46, 0.7), (0.38, 0.96)]],
    "8": [[(0.72, 0.16), (0.48, 0.04), (0.3, 0.2), (0.5, 0.44), (0.74, 0.7), (0.55, 0.95), (0.28, 0.8), (0.42, 0.52), (0.7, 0.3), (0.72, 0.16)]],
    "9": [[(0.72, 0.2), (0.46, 0.05), (0.24, 0.24), (0.4, 0.46), (0.7, 0.3), (0.73, 0.2), (0.7, 0.55), (0.62, 0.96)]],
}  # fmt: skip


def spline(points: Points) -> list[tuple[float, float]]:
    """A Catmull-Rom curve through `points`, as a polyline of 40 points a segment."""
    known = np.array([points[0], *points, points[-1]])
    t = np.linspace(0, 1, 40, endpoint=False)[:, None]
    parts = []
    for p0, p1, p2, p3 in zip(known, known[1:], known[2:], known[3:], strict=False):
        a, b = 2 * p1, p2 - p0
        c, d = 2 * p0 - 5 * p1 + 4 * p2 - p3, 3 * p1 - p0 - 3 * p2 + p3
        parts.append((a + b * t + c * t**2 + d * t**3) / 2)
    curve = np.concatenate([*parts, known[-1:]])
    return [(float(x), float(y)) for x, y in curve]


def digit(name: str, rng: np.random.Generator) -> Image.Image:
    """A digit in blue-black ink on paper, at a random distance from the left edge."""
    height = SIDE * OVERSAMPLING
    image = Image.new("RGB", (height, height), (247, 244, 236))
    draw = ImageDraw.Draw(image)
    size, left, top = 0.62 * height, (0.14 + 0.16 * rng.random()) * height, 0.2 * height
    for stroke in DIGITS[name]:
        curve = spline(stroke)
        for i, (x, y) in enumerate(curve):
            radius = OVERSAMPLING * (6.5 + 1.8 * np.sin(i / 23))
            at = left + (0.8 * x + 0.08 * (1 - y)) * size, top + y * size
            draw.ellipse(
                (at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), (36, 48, 92)
            )
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    slope = np.linspace(1.0, 0.93, SIDE)[:, None, None]
    grain = rng.normal(0, 1.2, (SIDE // 2, SIDE // 2, 1)).repeat(2, 0).repeat(2, 1)
    return Image.fromarray(np.clip(small * slope + grain, 0, 255).astype(np.uint8))


class Scene:
    """A canvas with coordinates in 0..100 and a vertical colour gradient as background."""

    def __init__(self, top: Colour, bottom: Colour) -> None:
        side = SIDE * OVERSAMPLING
        mix = np.linspace(0, 1, side)[:, None, None]
        rows = np.array(top) * (1 - mix) + np.array(bottom) * mix
        self.image = Image.fromarray(rows.repeat(side, 1).round().astype(np.uint8))
        self.draw = ImageDraw.Draw(self.image)
        self.unit = side / 100

    def shape(self, points: Points, colour: Colour) -> None:
        self.draw.polygon([(x * self.unit, y * self.unit) for x, y in points], colour)

    def smooth(self, points: Points, colour: Colour) -> None:
        self.shape(spline([*points, points[0]]), colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        box = tuple(value * self.unit for value in (x - rx, y - ry, x + rx, y + ry))
        self.draw.ellipse(box, colour)

    def box(self, x: float, y: float, right: float, bottom: float, colour: Colour) -> None:
        box = tuple(value * self.unit for value in (x, y, right, bottom))
        self.draw.rounded_rectangle(box, 2 * self.unit, colour)

    def line(self, points: Points, width: float, colour: Colour) -> None:
        scaled = [(x * self.unit, y * self.unit) for x, y in points]
        self.draw.line(scaled, colour, round(width * self.unit), joint="curve")

    def finish(self, rng: np.random.Generator) -> Image.Image:
        small = self.image.resize((SIDE, SIDE), Image.Resampling.BOX)
        soft = np.asarray(small.filter(ImageFilter.GaussianBlur(1.2)), np.float32)
        grain = rng.normal(0, 7, (SIDE // 4, SIDE // 4, 1)).repeat(4, 0).repeat(4, 1)
        return Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))


def airplane() -> Scene:
    s = Scene((96, 152, 214), (196, 222, 242))
    s.smooth(
        [(8, 50), (20, 44), (70, 43), (90, 47), (94, 51), (88, 55), (60, 57), (20, 56)],
        (228, 231, 236),
    )
    s.shape([(40, 52), (56, 52), (34, 78), (26, 78)], (168, 176, 188))
    s.shape([(44, 45), (56, 45), (42, 27), (36, 27)], (196, 203, 212))
    s.shape([(9, 49), (20, 46), (12, 28), (5, 28)], (190, 60, 58))
    s.oval(40, 62, 5, 2.2, (110, 118, 130))
    s.line([(24, 49), (82, 48)], 1.2, (92, 108, 130))
    return s


def automobile() -> Scene:
    s = Scene((196, 206, 214), (150, 152, 154))
    s.shape([(0, 62), (100, 62), (100, 100), (0, 100)], (106, 107, 110))
    s.smooth(
        [(6, 66), (8, 52), (26, 48), (38, 32), (66, 31), (80, 47), (94, 52), (95, 68), (50, 70)],
        (186, 24, 30),
    )
    s.shape([(32, 47), (41, 35), (52, 35), (52, 47)], (44, 54, 66))
    s.shape([(55, 47), (55, 35), (65, 35), (74, 47)], (44, 54, 66))
    for x in (26, 76):
        s.oval(x, 69, 9.5, 9.5, (24, 24, 26))
        s.oval(x, 69, 4.8, 4.8, (176, 178, 182))
    s.oval(92, 56, 2.4, 2.2, (252, 238, 190))
    return s


def bird() -> Scene:
    s = Scene((172, 200, 170), (120, 152, 104))
    s.line([(0, 80), (100, 74)], 4, (92, 70, 48))
    s.smooth([(20, 58), (34, 44), (56, 40), (70, 50), (66, 66), (46, 74), (30, 70)], (150, 108, 72))
    s.smooth([(36, 66), (52, 60), (66, 58), (60, 70), (46, 74)], (226, 204, 176))
    s.oval(68, 38, 11, 10.5, (128, 86, 58))
    s.shape([(77, 36), (90, 40), (77, 42)], (60, 52, 40))
    s.oval(71, 36, 1.9, 1.9, (14, 14, 16))
    s.shape([(24, 58), (34, 66), (4, 78), (6, 70)], (96, 66, 46))
    s.smooth([(30, 56), (46, 48), (56, 54), (44, 64)], (86, 60, 44))
    s.line([(50, 73), (50, 79)], 1.6, (70, 52, 40))
    s.line([(56, 72), (57, 78)], 1.6, (70, 52, 40))
    return s


def cat() -> Scene:
    s = Scene((164, 148, 132), (120, 104, 92))
    s.smooth([(18, 100), (24, 72), (50, 62), (76, 72), (82, 100)], (112, 106, 100))
    s.shape([(24, 44), (26, 12), (48, 30)], (104, 98, 92))
    s.shape([(76, 44), (74, 12), (52, 30)], (104, 98, 92))
    s.shape([(29, 36), (30, 20), (41, 30)], (196, 150, 142))
    s.shape([(71, 36), (70, 20), (59, 30)], (196, 150, 142))
    s.oval(50, 48, 29, 25, (122, 116, 108))
    for x in (40, 50, 60):
        s.line([(x, 24), (50 + (x - 50) * 0.7, 35)], 2.2, (62, 58, 54))
    for x in (24, 76):
        s.line([(x, 44), (50 + (x - 50) * 0.66, 49)], 2, (66, 62, 58))
    s.oval(50, 60, 13, 9, (206, 200, 192))
    for x in (38, 62):
        s.oval(x, 46, 6, 5, (196, 202, 92))
        s.oval(x, 46, 1.9, 4.8, (12, 12, 12))
    s.shape([(46, 55), (54, 55), (50, 60)], (188, 112, 110))
    for y in (58, 62):
        s.line([(42, y), (16, y - 4)], 0.6, (232, 230, 226))
        s.line([(58, y), (84, y - 4)], 0.6, (232, 230, 226))
    return s


def deer() -> Scene:
    s = Scene((98, 124, 70), (122, 134, 70))
    s.shape([(0, 70), (100, 64), (100, 100), (0, 100)], (134, 138, 76))
    for x in (28, 36, 56, 63):
        s.line([(x, 62), (x - 1, 94)], 3, (116, 76, 44))
    s.smooth([(20, 52), (30, 44), (60, 44), (70, 54), (64, 67), (32, 68), (22, 62)], (152, 100, 58))
    s.smooth([(58, 56), (66, 34), (76, 22), (83, 28), (72, 48), (68, 60)], (148, 97, 56))
    s.smooth([(70, 24), (78, 18), (92, 29), (90, 33), (76, 32)], (142, 92, 54))
    s.shape([(72, 22), (62, 14), (70, 15)], (142, 92, 54))
    for tip in (60, 86):
        s.line([(75, 18), (tip, 6)], 1.6, (96, 72, 48))
        s.line([((75 + tip) / 2, 12), ((75 + tip) / 2 + 1, 3)], 1.4, (96, 72, 48))
    s.oval(80, 24, 1.3, 1.3, (12, 10, 8))
    s.oval(91, 31, 1.6, 1.4, (26, 20, 16))
    s.oval(21, 54, 3.5, 5, (236, 226, 210))
    return s


def dog() -> Scene:
    s = Scene((206, 196, 180), (168, 150, 128))
    s.smooth([(16, 100), (26, 74), (50, 64), (74, 74), (84, 100)], (176, 122, 66))
    s.smooth([(22, 26), (36, 18), (40, 44), (30, 66), (18, 58)], (126, 80, 40))
    s.smooth([(78, 26), (64, 18), (60, 44), (70, 66), (82, 58)], (126, 80, 40))
    s.oval(50, 42, 24, 27, (190, 134, 74))
    s.smooth([(45, 18), (55, 18), (56, 44), (50, 48), (44, 44)], (238, 226, 206))
    s.oval(50, 58, 15, 13, (236, 222, 200))
    s.oval(50, 52, 6.5, 4.6, (24, 20, 20))
    for x in (39, 61):
        s.oval(x, 40, 3.6, 3.8, (34, 22, 14))
        s.oval(x + 1, 39, 1, 1, (240, 240, 240))
    s.line([(50, 56), (50, 63)], 1, (70, 50, 44))
    s.smooth([(45, 64), (55, 64), (54, 75), (50, 77), (46, 75)], (214, 104, 108))
    return s


def frog() -> Scene:
    s = Scene((112, 98, 70), (86, 76, 52))
    s.oval(50, 84, 46, 12, (70, 62, 42))
    s.smooth([(8, 76), (12, 54), (30, 52), (36, 74), (24, 84)], (84, 120, 44))
    s.smooth([(92, 76), (88, 54), (70, 52), (64, 74), (76, 84)], (84, 120, 44))
    s.smooth([(22, 70), (26, 44), (50, 32), (74, 44), (78, 70), (50, 84)], (104, 146, 52))
    s.smooth([(32, 74), (38, 62), (50, 58), (62, 62), (68, 74), (50, 82)], (206, 208, 142))
    for x in (33, 67):
        s.oval(x, 36, 9, 9, (112, 154, 58))
        s.oval(x, 35, 6, 6, (214, 172, 60))
        s.oval(x, 35, 3.4, 2.2, (14, 14, 12))
    s.line(spline([(28, 56), (40, 61), (50, 62), (60, 61), (72, 56)]), 1.4, (52, 74, 28))
    for x, y in ((44, 42), (54, 46), (50, 38), (60, 50), (38, 50), (18, 66), (82, 64)):
        s.oval(x, y, 2.2, 1.8, (66, 96, 34))
    for x in (30, 70):
        s.line([(x, 72), (x - 4, 86), (x - 10, 88)], 3, (92, 130, 46))
        s.line([(x, 72), (x + 2, 86), (x + 8, 88)], 3, (92, 130, 46))
    return s


def horse() -> Scene:
    s = Scene((150, 182, 214), (186, 204, 176))
    s.shape([(0, 66), (100, 64), (100, 100), (0, 100)], (116, 142, 66))
    for x, y in ((26, 95), (34, 93), (60, 95), (68, 92)):
        s.line([(x + 1, 58), (x - 1, 78), (x, y)], 4.2, (104, 60, 34))
    s.smooth(
        [(16, 48), (28, 40), (58, 42), (72, 42), (74, 58), (60, 68), (30, 67), (18, 60)],
        (134, 78, 42),
    )
    s.smooth([(58, 50), (66, 28), (76, 16), (84, 22), (76, 40), (74, 58)], (130, 75, 40))
    s.smooth([(72, 18), (80, 12), (95, 30), (92, 36), (86, 34), (78, 28)], (128, 74, 40))
    s.smooth([(56, 46), (62, 26), (74, 10), (78, 15), (68, 30), (64, 48)], (44, 28, 20))
    s.smooth([(17, 46), (8, 56), (8, 78), (14, 74), (20, 56)], (44, 28, 20))
    s.shape([(76, 16), (77, 7), (82, 14)], (126, 72, 40))
    s.oval(83, 20, 1.3, 1.3, (10, 8, 8))
    return s


def ship() -> Scene:
    s = Scene((150, 184, 214), (214, 226, 232))
    s.shape([(0, 66), (100, 66), (100, 100), (0, 100)], (52, 92, 130))
    s.shape([(6, 56), (96, 52), (86, 74), (14, 74)], (44, 52, 70))
    s.shape([(12, 69), (89, 69), (86, 74), (14, 74)], (166, 50, 44))
    s.shape([(22, 42), (70, 42), (74, 55), (18, 56)], (238, 238, 234))
    s.shape([(30, 32), (58, 32), (62, 42), (28, 42)], (226, 228, 226))
    s.shape([(38, 16), (48, 16), (50, 32), (37, 32)], (196, 62, 50))
    s.shape([(38, 16), (48, 16), (48, 20), (38, 20)], (30, 32, 38))
    s.line([(78, 54), (78, 24)], 1.2, (90, 94, 100))
    for x in range(26, 70, 7):
        s.oval(x, 48, 1.8, 1.8, (64, 90, 120))
    for y in (80, 88, 95):
        s.line(
            spline([(x, y + (1.5 if (x // 12) % 2 else -1)) for x in range(0, 108, 12)]),
            0.9,
            (122, 158, 188),
        )
    return s


def truck() -> Scene:
    s = Scene((176, 200, 222), (206, 208, 204))
    s.shape([(0, 72), (100, 72), (100, 100), (0, 100)], (120, 118, 114))
    s.box(4, 22, 64, 70, (232, 230, 222))
    s.line([(4, 64), (64, 64)], 2, (190, 186, 176))
    for x in range(12, 62, 8):
        s.line([(x, 25), (x, 62)], 0.6, (206, 203, 196))
    s.smooth([(66, 70), (66, 36), (80, 35), (88, 48), (97, 54), (97, 72)], (34, 78, 158))
    s.shape([(70, 52), (70, 40), (80, 40), (86, 52)], (36, 46, 58))
    s.box(2, 70, 97, 75, (54, 54, 58))
    for x in (18, 32, 82):
        s.oval(x, 77, 8, 8, (22, 22, 24))
        s.oval(x, 77, 3.6, 3.6, (156, 158, 162))
    s.oval(95, 64, 2, 2.4, (250, 234, 180))
    return s


SCENES: dict[str, Callable[[], Scene]] = {
    scene.__name__: scene
    for scene in (airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck)
}


def main() -> None:
    """Writes all sample images."""
    for kind in ("digit", "photo"):
        (FOLDER / kind).mkdir(parents=True, exist_ok=True)
    for name in DIGITS:
        digit(name, np.random.default_rng(int(name))).save(
            FOLDER / "digit" / f"{name}.png", optimize=True
        )
    for i, (name, scene) in enumerate(SCENES.items()):
        picture = scene().finish(np.random.default_rng(i))
        picture.quantize(200).save(FOLDER / "photo" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
