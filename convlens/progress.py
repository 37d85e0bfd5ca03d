"""Results that come one by one become a progress bar in the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Step(Protocol):
    """Counts one more image as done."""

    def __call__(self) -> None: ...


@contextmanager
def bar(total: int | None, *, shown: bool) -> Iterator[Step]:
    """Show a progress bar on stderr, of unknown length without `total`; nothing unless `shown`."""
    if not shown:
        yield lambda: None
        return
    columns = (TextColumn("images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("images", total=total)
        yield lambda: progress.advance(task)
