"""`convlens train NAME`: a recipe and a data set become a model folder for the service."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from service.manifest import Preparation
from service.models import saved_model
from training.errors import RecipeError, TrainingError

OWN_IMAGES = "Your own images"


def train(
    name: Annotated[
        str | None,
        typer.Argument(
            help="The recipe, such as mnist-lecture or cifar10-lecture-3conv; an unknown name lists"
            " all recipes. With --folder, the recipe whose network and settings to use."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with mnist.npz or cifar10.npz; without it the data set is downloaded."
        ),
    ] = None,
    models: Annotated[Path, typer.Option(help="Folder to write NAME/VERSION into.")] = Path(
        "models"
    ),
    version: Annotated[
        int | None, typer.Option(min=1, help="Version to write; by default the next free one.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed gives the same weights.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Number of epochs, instead of the recipe's.")
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write NAME.npz into; by default `checkpoints` beside --models."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run that left a checkpoint.")
    ] = False,
    logdir: Annotated[
        Path | None,
        typer.Option(help="Folder to write logs for TensorBoard into, as NAME-VERSION."),
    ] = None,
    threads: Annotated[
        int,
        typer.Option(
            min=1,
            help="Number of TensorFlow's threads. More are faster; the weights differ slightly"
            " between numbers, because sums are rounded in another order.",
        ),
    ] = 2,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Train on the images in FOLDER/train/CLASS/ and test on those in"
            " FOLDER/test/CLASS/; without test, a fifth of each class is held out for testing.",
            rich_help_panel=OWN_IMAGES,
        ),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            "--name", help="The model's name; by default the folder's.", rich_help_panel=OWN_IMAGES
        ),
    ] = None,
    size: Annotated[
        str,
        typer.Option(
            help="Height and width of the model's input: 32, or 48x64.", rich_help_panel=OWN_IMAGES
        ),
    ] = "32",
    grey: Annotated[
        bool,
        typer.Option("--grey/--colour", help="One channel or three.", rich_help_panel=OWN_IMAGES),
    ] = False,
    preparation: Annotated[
        Preparation,
        typer.Option(
            help="How an image becomes the model's input. photo: its centre, cropped and resized."
            " digit: the ink of one handwritten character, located and centred, in grey.",
            rich_help_panel=OWN_IMAGES,
        ),
    ] = "photo",
    flip: Annotated[
        bool,
        typer.Option(
            "--flip",
            help="Augment with horizontally flipped images, if a flip keeps the class.",
            rich_help_panel=OWN_IMAGES,
        ),
    ] = False,
) -> None:
    """Train a network by a recipe, or on your own images, and export it for the service.

    The best epoch is chosen by the accuracy on training images that are held out.
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
        _check_checkpoint(checkpoint, resume)
        _train(replace(plan, recipe=recipe), models, version, epochs, checkpoint, logdir, threads)
    except TrainingError as problem:
        typer.secho(str(problem), err=True, fg="red")
        raise typer.Exit(1) from problem
    except KeyboardInterrupt:
        typer.echo(
            f"Stopped. The same command with --resume continues from {checkpoint}.", err=True
        )
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
        raise RecipeError("Name a recipe, such as mnist-lecture, or your own images by --folder.")
    if model_name is not None:
        raise RecipeError("--name goes with --folder: a recipe's model has the recipe's name.")
    return plans.of_recipe(name, data)


def _check_checkpoint(checkpoint: Path, resume: bool) -> None:
    if resume and not checkpoint.exists():
        raise RecipeError(f"There is no checkpoint {checkpoint} to continue from.")
    if checkpoint.exists() and not resume:
        raise RecipeError(
            f"{checkpoint} holds an unfinished run: continue it by --resume, or remove the file."
        )


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

    target = models / plan.name / str(write_model.free_version(models, plan.name, version))
    console = Console()
    experiment.use_threads(threads)
    dataset = plan.load(plan.recipe, console)
    recipe = plan.adapt(plan.recipe, dataset)
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    console.print(
        f"{plan.name}: {len(dataset.train):,} images an epoch, epochs: {recipe.epochs},"
        f" computed in {recipe.precision}, threads: {threads}",
        highlight=False,
        soft_wrap=True,
    )
    callbacks = (
        [] if logdir is None else [_tensorboard(logdir / f"{plan.name}-{target.name}", dataset)]
    )
    manifest, _ = experiment.train_and_export(
        recipe, dataset, target, console, checkpoint=checkpoint, callbacks=callbacks
    )
    metrics = manifest.metrics
    remark = f" ({metrics.remark})" if metrics.remark else ""
    console.print(
        f"{plan.name} version {manifest.version}: test loss {metrics.loss:.4f}, test accuracy"
        f" {metrics.accuracy:.2%} on {metrics.images:,} images{remark} → {target}",
        highlight=False,
        soft_wrap=True,
    )


def _tensorboard(folder: Path, dataset: Any) -> Any:
    from training.fitting.tensorboard import TensorBoardLog

    return TensorBoardLog(folder, dataset)


app = typer.Typer(add_completion=False)
app.command()(train)

if __name__ == "__main__":
    app(prog_name="python -m training")
