"""`convlens reproduce`: the lecture's experiments become trained models and a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.models import saved_model
from training.errors import TrainingError


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Recipes to train; by default, all of the lecture's."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with mnist.npz and cifar10.npz; without it they are downloaded."),
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Folder for results, models and checkpoints.")
    ] = Path("reproduction"),
    report: Annotated[
        Path | None,
        typer.Option(help="Markdown file of the report; by default, FOLDER/report.md."),
    ] = None,
    threads: Annotated[
        int,
        typer.Option(
            min=1, help="TensorFlow's threads. More are faster, but results differ by rounding."
        ),
    ] = 2,
) -> None:
    """Train the lecture's experiments and compare each result with the lecture's.

    After an interruption, run the same command again: it keeps what is finished
    and resumes the rest. The report is written anew after each experiment.
    The exit status is 1 if a result is below the lecture's.

    Example: convlens reproduce mnist-adadelta mnist-dense --data data
    """
    saved_model.tensorflow()
    from training import recipes
    from training.reproduction import report as reports
    from training.reproduction import run

    console = Console()
    path = report or folder / "report.md"
    results = []
    try:
        chosen = names or recipes.LECTURE
        for result in run.reproduce(chosen, data, folder, console, threads):
            results.append(result)
            reports.write(results, path)
    except TrainingError as problem:
        typer.secho(str(problem), err=True, fg="red")
        raise typer.Exit(1) from problem
    except KeyboardInterrupt:
        typer.echo("Stopped. Run the same command again to go on.", err=True)
        raise typer.Exit(130) from None
    rows = [(one.name, one.accuracy, recipes.RECIPES[one.name].lecture) for one in results]
    console.print(_table(rows))
    console.print(f"Report: {path}", soft_wrap=True)
    if any(lecture is not None and accuracy < lecture for _, accuracy, lecture in rows):
        typer.secho("A result is below the lecture's.", err=True, fg="red")
        raise typer.Exit(1)


def _table(rows: Sequence[tuple[str, float, float | None]]) -> Table:
    table = Table("experiment", "lecture", "here")
    for name, accuracy, lecture in rows:
        table.add_row(name, "" if lecture is None else f"{lecture:.2%}", f"{accuracy:.2%}")
    return table
