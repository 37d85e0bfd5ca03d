"""Requests that take too long, or whose client has gone, let go of their place."""

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.drain import Drain
from service.errors import Late

_LIMIT, _GONE = "convlens.limit", "convlens.gone"


class Timely:
    """Cancels a request `seconds` after it came in whole: 503, and it waits for no model any more.

    While the service drains, every answer ends its connection.
    """

    def __init__(self, app: ASGIApp, seconds: float, arrival: float, drain: Drain) -> None:
        self._app = app
        self._seconds = seconds
        self._arrival = arrival
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        has_begun = False

        async def received() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                with contextlib.suppress(RuntimeError):  # A background task, after the answer.
                    limit.reschedule(loop.time() + self._seconds)
            return message

        async def sent(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if self._drain.has_begun and message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        try:
            async with asyncio.timeout(self._time(scope)) as limit:
                scope[_LIMIT] = limit
                await self._app(scope, received, sent)
        except TimeoutError:
            if scope.get(_GONE):
                return
            if has_begun or not limit.expired():
                raise
            late = Late(f"This took longer than {self._seconds:g} seconds. Send it again later.")
            await problems.response(scope["path"], late)(scope, receive, sent)

    def _time(self, scope: Scope) -> float:
        # Only what has a body is waited for.
        has_body = scope["method"] not in ("GET", "HEAD")
        return self._seconds + self._arrival if has_body else self._seconds


def let_go(scope: Scope) -> None:
    """Cancel the request of `scope`, for there is nobody left to answer."""
    limit = scope.get(_LIMIT)
    if limit is not None:
        scope[_GONE] = True
        with contextlib.suppress(RuntimeError):  # It has ended by itself.
            limit.reschedule(0)
