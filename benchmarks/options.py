"""Command line options that several benchmarks share."""

from pathlib import Path
from typing import Annotated

import typer

Rounds = Annotated[int, typer.Option(min=1, help="Rounds, of which the medians are shown.")]
Seconds = Annotated[float, typer.Option(min=1, help="Seconds of load for each figure.")]
Environments = Annotated[
    Path,
    typer.Option("--environments", help="Folder for the virtual environments of other projects."),
]
Report = Annotated[Path | None, typer.Option(help="Also write OUTPUT.md and OUTPUT.json.")]
Page = Annotated[Path | None, typer.Option(help="Also write the page to this file.")]
