"""`python -m training NAME`: data → network → SavedModel and manifest, the whole story."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from service.manifest import Preparation
from service.models import saved_model
from training.errors import RecipeError, TrainingError

OWN = "Your own images"


def train(
    name: Annotated[
        str | None,
        typer.Argument(
            help="The recipe, such as mnist-lecture or cifar10-lecture-3conv; a wrong name lists"
            " them all. With --folder, whose network and rates to use."
        ),
    ] = None,
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
    threads: Annotated[
        int,
        typer.Option(
            min=1, help="TensorFlow's threads. More are faster; other numbers round differently."
        ),
    ] = 2,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Train on the images in FOLDER/train/CLASS/ and test on those in"
            " FOLDER/test/CLASS/; without test, a fifth of each class is set aside.",
            rich_help_panel=OWN,
        ),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            "--name", help="The model's name; the folder's unless said.", rich_help_panel=OWN
        ),
    ] = None,
    size: Annotated[
        str,
        typer.Option(
            help="Height and width of the model's input: 32, or 48x64.", rich_help_panel=OWN
        ),
    ] = "32",
    grey: Annotated[
        bool, typer.Option("--grey/--colour", help="One channel or three.", rich_help_panel=OWN)
    ] = False,
    preparation: Annotated[
        Preparation,
        typer.Option(
            help="photo: the middle of the picture, shrunk. digit: the ink of one written sign,"
            " found and centred, in grey.",
            rich_help_panel=OWN,
        ),
    ] = "photo",
    flip: Annotated[
        bool,
        typer.Option("--flip", help="Mirrored images are of the same class.", rich_help_panel=OWN),
    ] = False,
) -> None:
    """Train a network and export it for the service: a recipe's, or one for your own images.

    The best epoch is chosen on training images that are held back.
    The figures printed at the end, and kept in the manifest, are over all test images.

    Example: convlens train mnist-lecture --data data

    Example: convlens train --folder leaves --name leaves --size 64
    """
    saved_model.tensorflow()
    checkpoint = None
    try:
        plan = _plan(name, data, folder, model_name, size, preparation, grey, flip)
        recipe = plan.recipe if seed is None else replace(plan.recipe, seed=seed)
        checkpoint = (checkpoints or models.parent / "checkpoints") / f"{plan.name}.npz"
        _require_expected(checkpoint, resume)
        _train(replace(plan, recipe=recipe), models, version, epochs, checkpoint, logdir, threads)
    except TrainingError as problem:
        typer.secho(str(problem), err=True, fg="red")
        raise typer.Exit(1) from problem
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command with --resume goes on from {checkpoint}.", err=True)
        raise typer.Exit(130) from None
    checkpoint.unlink(missing_ok=True)


def _plan(
    name: str | None,
    data: Path | None,
    folder: Path | None,
    model_name: str | None,
    size: str,
    preparation: Preparation,
    grey: bool,
    flip: bool,
) -> Any:
    from training import plans

    if folder is not None and data is not None:
        raise RecipeError("--data is for MNIST and CIFAR-10, --folder for your own images.")
    if folder is not None:
        return plans.of_folder(folder, name, model_name, size, preparation, grey=grey, flip=flip)
    if name is None:
        raise RecipeError("Name a recipe, such as mnist-lecture, or your images by --folder.")
    if model_name is not None:
        raise RecipeError("--name goes with --folder: a recipe's model has the recipe's name.")
    return plans.of_recipe(name, data)


def _require_expected(checkpoint: Path, resume: bool) -> None:
    if resume and not checkpoint.exists():
        raise RecipeError(f"There is no {checkpoint} to go on from.")
    if checkpoint.exists() and not resume:
        raise RecipeError(f"{checkpoint} holds an unfinished run: --resume, or remove it.")


def _train(
    plan: Any,
    models: Path,
    version: int | None,
    epochs: int | None,
    checkpoint: Path,
    logdir: Path | None,
    threads: int,
) -> None:
    from training import experiment
    from training.exporting import write_model

    target = models / plan.name / str(write_model.vacant(models, plan.name, version))
    console = Console()
    experiment.use_threads(threads)
    dataset = plan.load(plan.recipe, console)
    recipe = plan.fit(plan.recipe, dataset)
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    console.print(
        f"{plan.name}: {len(dataset.train):,} images an epoch, epochs: {recipe.epochs},"
        f" computed in {recipe.precision}, threads: {threads}",
        highlight=False,
        soft_wrap=True,
    )
    watchers = [] if logdir is None else [_board(logdir / f"{plan.name}-{target.name}", dataset)]
    manifest, _ = experiment.carry_out(
        recipe, dataset, target, console, checkpoint=checkpoint, watchers=watchers
    )
    metrics = manifest.metrics
    remark = f" ({metrics.remark})" if metrics.remark else ""
    console.print(
        f"{plan.name} version {manifest.version}: test loss {metrics.loss:.4f}, test accuracy"
        f" {metrics.accuracy:.2%} on {metrics.images:,} images{remark} → {target}",
        highlight=False,
        soft_wrap=True,
    )


def _board(folder: Path, dataset: Any) -> Any:
    from training.fitting.tensorboard import Board

    return Board(folder, dataset)


app = typer.Typer(add_completion=False)
app.command()(train)

if __name__ == "__main__":
    app(prog_name="python -m training")
