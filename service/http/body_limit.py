"""Middleware that bounds the body of every request before it is read."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Busy, TooLarge
from service.http import problems

SMALL = 256 * 2**10
MOST_HELD = 256 * 2**20


class Bounded:
    """Refuses a body of more than `most` bytes; `narrower` are smaller bounds by path prefix.

    A declared length is judged before one byte is read, any other body as it comes in. All larger
    bodies together may take `MOST_HELD` of memory; what comes in beyond that is refused with Busy.
    """

    def __init__(self, app: ASGIApp, most: int, narrower: Mapping[str, int]) -> None:
        self._app = app
        self._most = most
        self._held = 0
        self._narrower = tuple((path, min(most, bound)) for path, bound in narrower.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            most = self._bound(scope["path"])
            length = _length(scope)
            if length is not None and length > most:
                await problems.response(scope["path"], _refusal(most))(scope, receive, send)
                return
            if length is None or length > SMALL:
                await self._count(scope, receive, send, most)
                return
        await self._app(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            more = len(message.get("body", b""))
            size += more
            self._held += more
            if size > most:
                raise _refusal(most)
            if self._held > MOST_HELD and size > SMALL:
                raise Busy("Too many large requests come in. Send this again later.")
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= size

    def _bound(self, path: str) -> int:
        for prefix, bound in self._narrower:
            if path.startswith(prefix):
                return bound
        return self._most


def _length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def _refusal(most: int) -> TooLarge:
    return TooLarge(f"The request is larger than {most} bytes. Send less at once.")
