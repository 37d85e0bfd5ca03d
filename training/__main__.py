"""`python -m training NAME`: data → network → SavedModel and manifest, the whole story."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from training.errors import RecipeError, TrainingError


def train(
    name: Annotated[
        str,
        typer.Argument(
            help="What to train: mnist-lecture, mnist-lecture-same, cifar10-lecture-2conv or"
            " cifar10-lecture-3conv."
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with mnist.npz or cifar10.npz; without it the data set is downloaded."
        ),
    ] = None,
    models: Annotated[Path, typer.Option(help="Folder that takes NAME/VERSION.")] = Path("models"),
    version: Annotated[
        int | None, typer.Option(min=1, help="Version to write; the next free one unless said.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed gives the same weights.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recipe's number of epochs.")
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="Folder that takes NAME.npz; `checkpoints` beside --models unless said."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that left a checkpoint.")
    ] = False,
    logdir: Annotated[
        Path | None,
        typer.Option(help="Folder for TensorBoard, which gets a folder NAME-VERSION."),
    ] = None,
) -> None:
    """Train one of the lecture's networks and export it for the service.

    The best epoch is chosen on 5,000 training images that are held back.
    The figures printed at the end, and kept in the manifest, are over all test images.

    Example: convlens train mnist-lecture --data data
    """
    checkpoint = (checkpoints or models.parent / "checkpoints") / f"{name}.npz"
    try:
        _require_expected(checkpoint, resume)
        _train(name, data, models, version, seed, epochs, checkpoint, logdir)
    except TrainingError as problem:
        typer.secho(str(problem), err=True, fg="red")
        raise typer.Exit(1) from problem
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command with --resume goes on from {checkpoint}.", err=True)
        raise typer.Exit(130) from None
    checkpoint.unlink(missing_ok=True)


def _require_expected(checkpoint: Path, resume: bool) -> None:
    if resume and not checkpoint.exists():
        raise RecipeError(f"There is no {checkpoint} to go on from.")
    if checkpoint.exists() and not resume:
        raise RecipeError(f"{checkpoint} holds an unfinished run: --resume, or remove it.")


def _train(
    name: str,
    folder: Path | None,
    models: Path,
    version: int | None,
    seed: int | None,
    epochs: int | None,
    checkpoint: Path,
    logdir: Path | None,
) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training import data, export, fit, keras_nodes, recipes

    recipe = recipes.find(name)
    recipe = replace(recipe, seed=recipe.seed if seed is None else seed)
    recipe = replace(recipe, epochs=recipe.epochs if epochs is None else epochs)
    target = models / name / str(export.vacant(models, name, version))
    dataset = data.load(recipe.data, folder, recipe.validation)
    console = Console()
    watchers = [] if logdir is None else [_board(logdir / f"{name}-{target.name}", dataset)]
    network, history = fit.fit(recipe, dataset, console, checkpoint=checkpoint, watchers=watchers)
    nodes = keras_nodes.convert(network)
    with console.status(f"Evaluating on {len(dataset.test):,} test images and exporting"):
        record = {**recipe.describe(), **fit.outcome(history)}
        manifest = export.export(nodes, dataset, record, target)
    metrics = manifest.metrics
    remark = f" ({metrics.remark})" if metrics.remark else ""
    console.print(
        f"{name} version {manifest.version}: test loss {metrics.loss:.4f}, test accuracy"
        f" {metrics.accuracy:.2%} on {metrics.images:,} images{remark} → {target}",
        highlight=False,
        soft_wrap=True,
    )


def _board(folder: Path, dataset: Any) -> Any:
    from training.board import Board

    return Board(folder, dataset)


app = typer.Typer(add_completion=False)
app.command()(train)

if __name__ == "__main__":
    app(prog_name="python -m training")
