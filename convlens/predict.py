"""`convlens predict IMAGE…`: image files become a table of predictions, from here or a service."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from convlens import files as image_files
from convlens import progress
from service.errors import NotFound, ServiceError
from service.images import decode, reader
from service.manifest import Manifest
from service.models import folder as model_folder
from service.models.litert import Network
from service.settings import Settings


def predict(
    files: Annotated[list[Path], typer.Argument(help="Image files, and folders that hold some.")],
    model: Annotated[
        str | None, typer.Option(help="Name of the model, if not the default one.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--models", help="Folder with models, as <name>/<version>/.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to show for each image.")] = 3,
    url: Annotated[
        str | None,
        typer.Option(help="Ask the service at this address, such as http://127.0.0.1:8000."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="CONVLENS_KEY", help="API key, if that service needs one."),
    ] = None,
) -> None:
    """Classify image files in the terminal, without a server or by asking one.

    Example: convlens predict photo.jpg scans/ --model cifar10-lecture-3conv
    """
    if not (files := list(image_files.listed(files))):
        Console(stderr=True).print("[red]There is no image file at the paths given.[/red]")
        raise typer.Exit(1)
    if url is not None:
        from convlens import remote  # Only here: `convlens serve` needs no client.

        return remote.predict(url, key, files, model, top)
    given: dict[str, Any] = {} if folder is None else {"models": folder}
    settings = Settings(**given)
    try:
        newest = _newest(settings.models, model or settings.default_model)
        manifest = model_folder.read_manifest(newest)
        network = Network(newest, manifest.input_shape, os.cpu_count() or 1)
    except ServiceError as problem:
        Console(stderr=True).print(f"[red]{problem}[/red]", soft_wrap=True)
        raise typer.Exit(1) from problem
    with progress.bar(
        len(files), shown=len(files) > image_files.MANY and sys.stderr.isatty()
    ) as step:
        read = [_read(file, manifest, settings, step) for file in files]
    good = [one for one in read if not isinstance(one, str)]
    answers = iter(network.classify(np.stack(good)) if good else ())
    table = Table("image", "class", f"top {top}", title=f"{manifest.name} {manifest.version}")
    for file, one in zip(files, read, strict=True):
        if isinstance(one, str):
            table.add_row(file.name, "[red]–[/red]", f"[red]{one}[/red]")
        else:
            table.add_row(file.name, *_columns(next(answers), manifest, top))
    Console().print(table)
    if len(good) < len(files):
        raise typer.Exit(1)


def _newest(folder: Path, name: str) -> Path:
    """The folder of the newest version of the model `name`."""
    found = [one for one in model_folder.find(folder) if one.parent.name == name]
    if not found:
        names = sorted({one.parent.name for one in model_folder.find(folder)})
        raise NotFound("model", name, names)
    return max(found, key=lambda one: int(one.name))


def _read(
    file: Path, manifest: Manifest, settings: Settings, step: progress.Step
) -> NDArray[np.uint8] | str:
    """The model's input for `file`, uint8 (height, width, channels), or why it cannot be read."""
    step()
    limits = decode.Limits(settings.max_image_bytes, settings.max_image_pixels)
    try:
        return reader.read(file.read_bytes(), manifest, limits).pixels
    except (OSError, ServiceError) as problem:
        return str(problem)


def _columns(row: NDArray[np.float32], manifest: Manifest, top: int) -> tuple[str, str]:
    """The class and the `top` classes with their probabilities, from one row of `classify`."""
    best = np.argsort(-row[: len(manifest.labels)], kind="stable")[:top]
    shown = "  ".join(f"{manifest.labels[i]} {row[i]:.1%}" for i in best)
    return f"[bold]{manifest.labels[best[0]]}[/bold]", shown
