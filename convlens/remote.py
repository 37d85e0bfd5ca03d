"""`convlens predict --url`: image files become a table of the predictions of a running service."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from convlens.client import Client, ClientError, Prediction, Result
from convlens.files import MANY


def predict(url: str, key: str | None, files: Sequence[Path], model: str | None, top: int) -> None:
    """Print the predictions of the service at `url`; exits with 1 if a file has none."""
    shown = len(files) > MANY and sys.stderr.isatty()
    try:
        with Client(url, key=key, retries=1) as first:
            first.layers(model=model)  # Fails soon if there is no such service or model.
        with Client(url, key=key) as client:
            results = client.predict_many(files, model=model, top=top, show_progress=shown)
            table, failed = _table(results, top)
    except ClientError as problem:
        Console(stderr=True).print(f"[red]{escape(str(problem))}[/red]", soft_wrap=True)
        raise typer.Exit(1) from problem
    Console().print(table)
    if failed:
        raise typer.Exit(1)


def _table(results: Iterable[Result], top: int) -> tuple[Table, int]:
    """The table, and how many of `results` are errors."""
    table, failed = Table("image", "class", f"top {top}"), 0
    for result in results:
        name = escape(Path(str(result.source)).name)
        if result.prediction is None:
            failed += 1
            table.add_row(name, "[red]–[/red]", f"[red]{escape(str(result.error))}[/red]")
        else:
            table.title = f"{result.prediction.model} {result.prediction.version}"
            table.add_row(name, *_columns(result.prediction))
    return table, failed


def _columns(prediction: Prediction) -> tuple[str, str]:
    """The class, and the most probable classes with their probabilities."""
    best = prediction.probabilities.items()
    shown = "  ".join(f"{escape(label)} {share:.1%}" for label, share in best)
    return f"[bold]{escape(prediction.label)}[/bold]", shown
