"""`convlens key NAME`: makes an API key, prints it, and adds its digest to the key file."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from service.errors import KeyFileError
from service.http import api_keys


def key(
    name: Annotated[str, typer.Argument(help="Holder of the key; logs show this name.")],
    file: Annotated[
        Path, typer.Option(help="Key file to add it to; created if there is none.")
    ] = Path("keys.txt"),
) -> None:
    """Make an API key, print it once, and store its digest.

    Example: convlens key laboratory --file keys.txt && convlens serve --keys keys.txt
    """
    made = api_keys.make()
    try:
        line = api_keys.line(name, made)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(line)
    except (KeyFileError, OSError) as problem:
        Console(stderr=True).print(f"[red]{problem}[/red]", soft_wrap=True)
        raise typer.Exit(2) from problem
    typer.echo(made)
