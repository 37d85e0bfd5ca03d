"""`python -m benchmarks.photographs`: how many photographed digits come out right.

Digits of MNIST are drawn anew as pen strokes on paper and photographed: off-centre, tilted,
unevenly lit, noisy, as JPEG, some of them turned with an EXIF orientation to match. The pictures
go through the service's own decoding and preparation, and its loaded model.
"""

import io
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base
from rich.console import Console
from rich.progress import track
from rich.table import Table

from service import images, preparation, runtime
from service.models import read_manifest

INKS = {
    "blue": (35, 55, 150),
    "red": (190, 40, 45),
    "black": (35, 33, 38),
    "pencil": (105, 105, 108),
    "chalk": (235, 235, 228),
}
PAPERS = ("plain", "squared", "ruled")
TURNS = {1: 0, 3: 180, 6: 90, 8: 270}

Floats = NDArray[np.float32]


def photograph(digit: NDArray[np.uint8], rng: np.random.Generator, ink: str) -> bytes:
    """A JPEG of `digit`, uint8 (28, 28), written in `ink`."""
    height, width = (int(side) for side in rng.integers(420, 1400, 2))
    stroke = _stroke(digit, int(min(height, width) * rng.uniform(0.12, 0.6)), rng)
    ground = np.array((40, 62, 52) if ink == "chalk" else rng.uniform(205, 250, 3))
    scene = np.ones((height, width, 3), np.float32) * ground.astype(np.float32)
    if ink != "chalk":
        _print_lines(scene, PAPERS[rng.integers(3)], rng)
    top = int(rng.integers(0, height - stroke.shape[0] + 1))
    left = int(rng.integers(0, width - stroke.shape[1] + 1))
    part = scene[top : top + stroke.shape[0], left : left + stroke.shape[1]]
    cover = (stroke * rng.uniform(0.75, 1.0))[..., np.newaxis]
    part[:] = part * (1 - cover) + np.array(INKS[ink], np.float32) * cover
    lit = scene * _light(height, width, rng)[..., np.newaxis]
    blurred = cv2.GaussianBlur(lit, (0, 0), float(rng.uniform(0.5, 1.6)))
    noisy = blurred + rng.normal(0, rng.uniform(1, 6), lit.shape)
    return _save(np.clip(noisy, 0, 255).astype(np.uint8), rng)


def _stroke(digit: NDArray[np.uint8], side: int, rng: np.random.Generator) -> Floats:
    """The digit as smooth coverage 0..1, thinner or thicker than it was, tilted."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    tight = np.pad(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 4)
    share = side / max(tight.shape)
    large = cv2.resize(tight.astype(np.float32), None, fx=share, fy=share, interpolation=2)
    large = cv2.GaussianBlur(large, (0, 0), share * 0.5)
    change = round(share * rng.uniform(-0.9, 0.8))
    kernel = np.ones((abs(change) + 1,) * 2, np.uint8)
    large = cv2.dilate(large, kernel) if change > 0 else cv2.erode(large, kernel)
    height, width = large.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-10, 10)), 1.0)
    large = cv2.warpAffine(large, turn, (width, height))
    return np.clip((large - 90) / 50, 0, 1).astype(np.float32)


def _print_lines(scene: Floats, paper: str, rng: np.random.Generator) -> None:
    step, tone = int(rng.integers(24, 60)), np.array((170, 190, 215), np.float32)
    if paper in ("squared", "ruled"):
        scene[::step] = tone
    if paper == "squared":
        scene[:, ::step] = tone


def _light(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Brightness 0..1: a slope, a vignette and, in one of three, the edge of a shadow."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope, angle = rng.uniform(0, 0.22), rng.uniform(0, 2 * np.pi)
    light = 0.85 + slope * (np.cos(angle) * x + np.sin(angle) * y) / 1.4
    light -= rng.uniform(0, 0.15) * (x**2 + y**2)
    if rng.random() < 0.33:
        edge = (np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-0.5, 0.5)) * 12
        light *= 1 - rng.uniform(0.1, 0.35) / (1 + np.exp(-edge))
    return np.asarray(light, np.float32)


def _save(pixels: NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    orientation = int(rng.choice(list(TURNS)))
    image = Image.fromarray(pixels).rotate(TURNS[orientation], expand=True)
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(60, 92)), exif=exif)
    return buffer.getvalue()


def main(
    data: Annotated[Path, typer.Option(help="Folder with mnist.npz.")],
    model: Annotated[Path, typer.Option(help="Model folder.")] = Path("models/mnist-lecture/1"),
    split: Annotated[
        Literal["validation", "test"], typer.Option(help="Digits to photograph.")
    ] = "validation",
    count: Annotated[int, typer.Option(min=1, help="Photographs to take.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed takes the same photographs.")] = 1,
    sheet: Annotated[
        Path | None, typer.Option(help="Write what came out wrong, or right, to this PNG.")
    ] = None,
) -> None:
    """Photograph digits and count how many the model reads right, by ink."""
    arrays = np.load(data / "mnist.npz")
    part = slice(-5000, None) if split == "validation" else slice(None)
    key = "train" if split == "validation" else "test"
    digits, labels = arrays[f"x_{key}"][part], arrays[f"y_{key}"][part]
    manifest = read_manifest(model)
    runtime.start(1)
    network = runtime.Network(model)
    rng = np.random.default_rng(seed)
    right: dict[str, list[bool]] = defaultdict(list)
    shown: list[tuple[bool, bytes, NDArray[np.uint8]]] = []
    for i in track(rng.permutation(len(digits))[:count].tolist(), "photographing"):
        ink = list(INKS)[int(rng.integers(len(INKS)))]
        jpeg = photograph(digits[i], rng, ink)
        picture = images.decode(images.inspect(jpeg, images.Limits()))
        pixels = preparation.prepare(picture, "digit", manifest.input_shape).pixels
        good = bool(network.predict(pixels[np.newaxis]).argmax() == labels[i])
        right[ink].append(good)
        shown.append((good, jpeg, pixels))
    _print(right, f"{manifest.name} on {count} photographed {split} digits")
    if sheet is not None:
        _contact_sheet(sorted(shown, key=lambda one: one[0])[:48]).save(sheet)


def _print(right: dict[str, list[bool]], title: str) -> None:
    table = Table("ink", "photographs", "right", title=title)
    for ink, answers in sorted(right.items()):
        table.add_row(ink, str(len(answers)), f"{np.mean(answers):.1%}")
    together = [answer for answers in right.values() for answer in answers]
    table.add_section()
    table.add_row("all", str(len(together)), f"{np.mean(together):.1%}")
    Console().print(table)


def _contact_sheet(shown: list[tuple[bool, bytes, NDArray[np.uint8]]]) -> Image.Image:
    sheet = Image.new("RGB", (8 * 260, -(-len(shown) // 8) * 140), "white")
    for place, (_, jpeg, pixels) in enumerate(shown):
        photo = images.decode(images.inspect(jpeg, images.Limits())).image.convert("RGB")
        photo.thumbnail((125, 125))
        x, y = 260 * (place % 8), 140 * (place // 8)
        sheet.paste(photo, (x, y))
        seen = Image.fromarray(pixels[..., 0]).resize((120, 120), Image.Resampling.NEAREST)
        sheet.paste(seen, (x + 130, y))
    return sheet


if __name__ == "__main__":
    typer.run(main)
