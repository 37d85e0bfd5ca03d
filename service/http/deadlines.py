"""Requests that take too long, or whose client has gone, let go of their place."""

import asyncio
from collections.abc import Iterable

from starlette.types import Scope

_PLACE = "convlens.place"


class Place:
    """One request under way: the task that answers it, and when it must have ended."""

    __slots__ = ("_task", "due", "is_gone", "is_late")

    def __init__(self, scope: Scope, due: float) -> None:
        self._task = asyncio.current_task()
        self.due = due
        self.is_late = False
        self.is_gone = False
        scope[_PLACE] = self

    def cancel(self) -> None:
        """End the request: it waits for no model any more."""
        if self._task is not None:
            self._task.cancel()

    def was_left(self) -> bool:
        """Whether a cancellation that reached the request came from here; the task goes on."""
        if self._task is None or not (self.is_late or self.is_gone):
            return False
        self._task.uncancel()
        return True

    def close(self) -> None:
        """The request has ended by itself."""
        self._task = None


def end_late(places: Iterable[Place], now: float) -> None:
    """Cancel those of `places` whose time has come."""
    for place in places:
        if place.due <= now and not place.is_late:
            place.is_late = True
            place.cancel()


def let_go(scope: Scope) -> None:
    """Cancel the request of `scope`, for there is nobody left to answer."""
    place: Place | None = scope.get(_PLACE)
    if place is not None:
        place.is_gone = True
        place.cancel()
