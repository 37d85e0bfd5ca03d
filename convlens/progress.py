"""A bar on the terminal that goes on as results come."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Step(Protocol):
    """Says that one more is done."""

    def __call__(self) -> None: ...


@contextmanager
def bar(total: int | None, *, shown: bool) -> Iterator[Step]:
    """A bar on stderr of `total` steps, or of as many as there will be; nothing unless `shown`."""
    if not shown:
        yield lambda: None
        return
    columns = (TextColumn("images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("images", total=total)
        yield lambda: progress.advance(task)
