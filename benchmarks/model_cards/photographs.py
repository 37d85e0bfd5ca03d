"""`python -m benchmarks.model_cards.photographs`: accuracy on synthetic photographs of digits.

The strokes of MNIST digits are drawn as with pens on paper and photographed; the photographs go
through the service's decoding and preparation and the model.
"""

from collections import defaultdict
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, ImageOps
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.synthetic_photos import Scene, photograph
from service.images import decode, prepare
from service.models.folder import read_manifest
from service.models.litert import Network

Pixels = NDArray[np.uint8]


def main(
    data: Annotated[Path, typer.Option(help="Folder with mnist.npz.")],
    model: Annotated[Path, typer.Option(help="Model folder.")] = Path("models/mnist-lecture/1"),
    split: Annotated[
        Literal["validation", "test"], typer.Option(help="Digits to photograph.")
    ] = "validation",
    count: Annotated[int, typer.Option(min=1, help="Number of photographs.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the photographs.")] = 1,
    sheet: Annotated[
        Path | None, typer.Option(help="Write the wrong ones, then the right ones, to this PNG.")
    ] = None,
) -> None:
    """Prints the accuracy on photographed digits by ink, stroke and paper."""
    digits, labels = _digits(data, split)
    manifest = read_manifest(model)
    network = Network(model, manifest.input_shape)
    rng = np.random.default_rng(seed)
    right: dict[str, list[bool]] = defaultdict(list)
    shown: list[tuple[bool, Image.Image]] = []
    for i in track(rng.permutation(len(digits))[:count].tolist(), "photographing"):
        scene = photograph(digits[i], rng)
        picture = decode.decode(decode.open_image(scene.jpeg, decode.Limits()))
        pixels = prepare.prepare(picture, "digit", manifest.input_shape).pixels
        row = network.classify(pixels[np.newaxis])[0, : len(manifest.labels)]
        good = bool(row.argmax() == labels[i])
        for key in _keys(scene):
            right[key].append(good)
        if sheet is not None:
            shown.append((good, _side_by_side(picture.image, pixels)))
    _print(right, f"{manifest.name} on {count} photographed {split} digits")
    if sheet is not None:
        _contact_sheet([one for _, one in sorted(shown, key=lambda one: one[0])]).save(sheet)


def _digits(data: Path, split: str) -> tuple[Pixels, Pixels]:
    """The digits, uint8 (n, 28, 28), and labels: the last 5,000 of training, or all of the test."""
    arrays = np.load(data / "mnist.npz")
    if split == "test":
        return arrays["x_test"], arrays["y_test"]
    return arrays["x_train"][-5000:], arrays["y_train"][-5000:]


def _keys(scene: Scene) -> tuple[str, ...]:
    return f"ink {scene.ink}", f"stroke {scene.stroke}", f"paper {scene.paper}", "total"


def _print(right: dict[str, list[bool]], title: str) -> None:
    table = Table("photographs of", "number", "right", title=title)
    group = ""
    for key, answers in sorted(right.items()):
        if key.split()[0] != group:
            table.add_section()
            group = key.split()[0]
        table.add_row(key, str(len(answers)), f"{np.mean(answers):.1%}")
    Console().print(table)


def _side_by_side(photo: Image.Image, pixels: Pixels) -> Image.Image:
    cell = Image.new("RGB", (250, 125), "white")
    cell.paste(ImageOps.contain(photo.convert("RGB"), (120, 120)))
    seen = Image.fromarray(pixels[..., 0]).resize((120, 120), Image.Resampling.NEAREST)
    cell.paste(seen, (125, 0))
    return cell


def _contact_sheet(cells: list[Image.Image], most: int = 80, across: int = 6) -> Image.Image:
    cells = cells[:most]
    sheet = Image.new("RGB", (across * 260, -(-len(cells) // across) * 130), "white")
    for place, cell in enumerate(cells):
        sheet.paste(cell, (260 * (place % across), 130 * (place // across)))
    return sheet


if __name__ == "__main__":
    typer.run(main)
