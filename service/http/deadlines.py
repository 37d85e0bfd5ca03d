"""Requests past their deadline, or whose client has disconnected, are cancelled."""

import asyncio
from collections.abc import Iterable

from starlette.types import Scope

_KEY = "convlens.deadline"


class Deadline:
    """One request under way: the task that answers it, and when that must have ended.

    `due` is on the clock of `time.monotonic`, in seconds.
    """

    __slots__ = ("_task", "due", "is_disconnected", "is_late")

    def __init__(self, scope: Scope, due: float) -> None:
        self._task = asyncio.current_task()
        self.due = due
        self.is_late = False
        self.is_disconnected = False
        scope[_KEY] = self

    def cancel(self) -> None:
        """Cancel the task, which then waits for no model any more."""
        if self._task is not None:
            self._task.cancel()

    def take_back(self) -> bool:
        """Whether a cancellation of the task came from here; if so, the task may go on."""
        if self._task is None or not (self.is_late or self.is_disconnected):
            return False
        self._task.uncancel()
        return True

    def close(self) -> None:
        """The request has ended: nothing is cancelled any more."""
        self._task = None


def cancel_late(deadlines: Iterable[Deadline], now: float) -> None:
    """Cancel the requests of `deadlines` that are due at `now`, once."""
    for deadline in deadlines:
        if deadline.due <= now and not deadline.is_late:
            deadline.is_late = True
            deadline.cancel()


def cancel_disconnected(scope: Scope) -> None:
    """Cancel the request of `scope`, whose client has disconnected."""
    deadline: Deadline | None = scope.get(_KEY)
    if deadline is not None:
        deadline.is_disconnected = True
        deadline.cancel()
