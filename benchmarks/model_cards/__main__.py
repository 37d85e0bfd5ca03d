"""`python -m benchmarks.model_cards`: measures every shipped model and writes its card.

A model's card has its accuracy, its calibration, its robustness against corrupted and
out-of-distribution images, and the time that it takes.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import machine
from benchmarks.model_cards import cost, figures, page
from benchmarks.model_cards.corruptions import CORRUPTIONS
from service.errors import ModelError
from service.manifest import Manifest
from service.models import folder as served
from service.models.litert import Network
from training.datasets import named as datasets
from training.datasets.named import Split
from training.errors import TrainingError
from training.exporting import foreign_images
from training.reproduction import results
from training.reproduction.results import Result

Pixels = NDArray[np.uint8]

OUT_OF_DISTRIBUTION = 2_000
"""Number of test images of the other data set that serve as out-of-distribution images."""


def main(
    data: Annotated[Path, typer.Option(help="Folder with mnist.npz and cifar10.npz.")],
    models: Annotated[
        Path,
        typer.Option(
            help="Folder with NAME/VERSION; the newest version of each model is measured."
        ),
    ] = Path("models"),
    output: Annotated[
        Path, typer.Option(help="The page; plots and figures go into a folder with its name.")
    ] = Path("docs/reference/models.md"),
    count: Annotated[
        int, typer.Option(min=1, help="Test images to corrupt, in each of 24 ways.")
    ] = 2_000,
    trained: Annotated[
        Path, typer.Option(help="Folder of the reproduction's results, for the time of an epoch.")
    ] = Path("docs/reference/reproduction"),
) -> None:
    """Measures all models; writes their cards, the table of robustness and the cost of an image.

    Accuracy, calibration and confusion are over all test images. The cost is measured first, all
    models in turn, so leave the machine alone for the first half minute. Models trained on a folder
    of images are left out, because their test images are not known.

    Example: python -m benchmarks.model_cards --data data
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    console = Console()
    try:
        found = _find(models)
        tests = {name: datasets.load(name, data).test for name in datasets.SHAPES}
        pairs = _measure(found, tests, count, console)
    except (ModelError, TrainingError) as problem:
        typer.secho(str(problem), err=True, fg="red")
        raise typer.Exit(1) from problem
    page.write(pairs, output, machine.describe(), reproduced(trained))
    console.print(output.read_text(encoding="utf-8"), markup=False, highlight=False, soft_wrap=True)


def reproduced(folder: Path) -> list[Result]:
    """The results of `convlens reproduce` in `folder`."""
    return [one for path in sorted(folder.glob("*.json")) if (one := results.read(path))]


def _find(models: Path) -> dict[Path, Manifest]:
    """The newest version of each model, ordered by data set and then by accuracy."""
    folders = served.newest(served.find(models), 1)
    found = [(folder, served.read_manifest(folder)) for folder in folders]
    known = list(datasets.SHAPES)
    mine = [pair for pair in found if pair[1].recipe.get("data") in known]
    if not mine:
        raise ModelError(f"No model in {models} was trained on {' or '.join(known)}.")
    mine.sort(key=lambda pair: (known.index(str(pair[1].recipe["data"])), pair[1].metrics.accuracy))
    return dict(mine)


def _measure(
    found: Mapping[Path, Manifest], tests: Mapping[str, Split], count: int, console: Console
) -> list[tuple[Manifest, figures.Figures]]:
    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    ]
    sets = {str(m.recipe["data"]): m for m in found.values()}
    total = 1 + len(sets) * len(CORRUPTIONS) + len(found)
    pairs = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("cost", total=total)
        costs = cost.compare(
            {m.name: Network(folder, m.input_shape) for folder, m in found.items()},
            {m.name: m.input_shape for m in found.values()},
        )
        progress.advance(task)
        for name, like in sets.items():
            progress.update(task, description=f"corrupting {name}")
            unknown = _out_of_distribution(like, tests)
            material = figures.prepare_material(
                tests[name], unknown, like, count, lambda: progress.advance(task)
            )
            for folder, manifest in found.items():
                if manifest.recipe["data"] == name:
                    progress.update(task, description=manifest.name)
                    price = costs[manifest.name]
                    pairs.append((manifest, figures.measure(folder, manifest, material, price)))
                    progress.advance(task)
    return pairs


def _out_of_distribution(manifest: Manifest, tests: Mapping[str, Split]) -> dict[str, Pixels]:
    """Out-of-distribution images by kind: drawn ones, and those of the other data sets."""
    others = {
        name: _as(test.images[:OUT_OF_DISTRIBUTION], manifest.input_shape)
        for name, test in tests.items()
        if name != manifest.recipe["data"]
    }
    return {**foreign_images.drawings(manifest.input_shape), **others}


def _as(images: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Images (n, h, w, c) of another data set, resized to `shape` and its number of channels."""
    height, width, channels = shape
    if images.shape[3] != channels:
        grey = images.mean(axis=3, keepdims=True).round().astype(np.uint8)
        images = np.repeat(grey, channels, axis=3)
    resized = [
        np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
        for image in images
    ]
    return np.stack(resized).reshape(len(images), *shape)


if __name__ == "__main__":
    typer.run(main)
