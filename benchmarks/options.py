"""What several benchmarks let one choose, in the same words."""

from pathlib import Path
from typing import Annotated

import typer

Rounds = Annotated[int, typer.Option(min=1, help="Rounds; medians over them are shown.")]
Seconds = Annotated[float, typer.Option(min=1, help="Seconds of load a figure.")]
Environments = Annotated[
    Path, typer.Option("--environments", help="Folder for the others' environments.")
]
Report = Annotated[Path | None, typer.Option(help="Write OUTPUT.md and OUTPUT.json as well.")]
Page = Annotated[Path | None, typer.Option(help="Write the page to this file too.")]
