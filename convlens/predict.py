"""`convlens predict IMAGE…`: image files become a table of answers, made here or by a service."""

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
    files: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.")],
    model: Annotated[
        str | None, typer.Option(help="Name of the model; without it, the default one.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--models", help="Folder with <name>/<version>/ models.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to show an image.")] = 3,
    url: Annotated[
        str | None, typer.Option(help="Ask the service there, such as http://127.0.0.1:8000.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="CONVLENS_KEY", help="API key, if the service asks for one."),
    ] = None,
) -> None:
    """Classify image files here, in the terminal, as the service would, or let a service do it.

    Example: convlens predict photo.jpg scans/ --model cifar10-lecture-3conv
    """
    if not (files := list(image_files.listed(files))):
        Console(stderr=True).print("[red]There is no image file in what was named.[/red]")
        raise typer.Exit(1)
    if url is not None:
        from convlens import remote  # A server that starts by the same command needs no client.

        return remote.predict(url, key, files, model, top)
    given: dict[str, Any] = {} if folder is None else {"models": folder}
    settings = Settings(**given)
    try:
        place = _newest(settings.models, model or settings.default_model)
        manifest = model_folder.read_manifest(place)
        network = Network(place, manifest.input_shape, os.cpu_count() or 1)
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
            table.add_row(file.name, *_words(next(answers), manifest, top))
    Console().print(table)
    if len(good) < len(files):
        raise typer.Exit(1)


def _newest(folder: Path, name: str) -> Path:
    found = [one for one in model_folder.find(folder) if one.parent.name == name]
    if not found:
        names = sorted({one.parent.name for one in model_folder.find(folder)})
        raise NotFound("model", name, names)
    return max(found, key=lambda one: int(one.name))


def _read(
    file: Path, manifest: Manifest, settings: Settings, step: progress.Step
) -> NDArray[np.uint8] | str:
    """The model's input for `file`, or the sentence that says why there is none."""
    step()
    limits = decode.Limits(settings.max_image_bytes, settings.max_image_pixels)
    try:
        return reader.read(file.read_bytes(), manifest, limits).pixels
    except (OSError, ServiceError) as problem:
        return str(problem)


def _words(row: NDArray[np.float32], manifest: Manifest, top: int) -> tuple[str, str]:
    best = np.argsort(-row[: len(manifest.labels)], kind="stable")[:top]
    shown = "  ".join(f"{manifest.labels[i]} {row[i]:.1%}" for i in best)
    return f"[bold]{manifest.labels[best[0]]}[/bold]", shown
