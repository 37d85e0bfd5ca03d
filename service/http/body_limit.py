"""Middleware that bounds the body of every request before it is read."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Busy, TooLarge
from service.http import problems

SMALL_BYTES = 256 * 2**10
"""Bodies up to this size do not count towards `MAX_HELD_BYTES`."""
MAX_HELD_BYTES = 256 * 2**20


class BodyLimitMiddleware:
    """Refuses a body of more than `most` bytes; `narrower` are smaller bounds by path prefix.

    A declared Content-Length is checked before the body is read, any other body as it arrives. All
    large bodies of the worker together may take `MAX_HELD_BYTES` of memory; beyond that they are
    refused with Busy.
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
            if length is None or length > SMALL_BYTES:
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
            if self._held > MAX_HELD_BYTES and size > SMALL_BYTES:
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
