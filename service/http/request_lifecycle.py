"""Outermost middleware: request id, deadline, security headers, metrics, access log.

One middleware instead of several: each layer that wraps `send` costs about as much as decoding an
image.
"""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Late
from service.http import problems, security_headers
from service.http.deadlines import Deadline, cancel_late
from service.observability import access_log, metrics
from service.settings import Settings
from service.workers.graceful_stop import Drain


class RequestLifecycle:
    """Passes requests to `app`, and answers 503 in its place once their deadline is over.

    The deadline is `deadline_seconds` after a request arrived whole. While the service drains,
    every answer closes its connection.
    """

    def __init__(self, app: ASGIApp, settings: Settings, drain: Drain) -> None:
        self._app = app
        self._arrival = settings.arrival_seconds
        self._log = access_log.AccessLog(settings.log)
        self._deadlines: set[Deadline] = set()
        # One timer for all requests: a timer for each took longer than the rest of this module.
        self._period = min(0.25, settings.deadline_seconds / 10)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.seconds = settings.deadline_seconds
        self.drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        deadline = exchange.deadline
        self._begin(deadline)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not deadline.take_back():
                raise
            if not deadline.is_disconnected:
                await self._refuse(exchange)
        finally:
            self._end(exchange)

    async def _refuse(self, exchange: "_Exchange") -> None:
        if exchange.status:
            raise TimeoutError  # An answer that has begun can only be broken off.
        late = Late(f"This took longer than {self.seconds:g} seconds. Send it again later.")
        scope = exchange.scope
        await problems.response(scope["path"], late)(scope, exchange.receive, exchange.send)

    def due(self, scope: Scope) -> float:
        """When `scope` is due until its body has arrived whole, which sets a new time."""
        has_body = scope["method"] not in ("GET", "HEAD")
        return time.monotonic() + self.seconds + (self._arrival if has_body else 0)

    def _begin(self, deadline: Deadline) -> None:
        metrics.IN_PROGRESS.inc()
        self._deadlines.add(deadline)
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self._period, self._tick)

    def _end(self, exchange: "_Exchange") -> None:
        exchange.deadline.close()
        self._deadlines.discard(exchange.deadline)
        metrics.IN_PROGRESS.dec()
        seconds = time.perf_counter() - exchange.began
        route = access_log.route_of(exchange.scope)
        access_log.count(exchange.scope, route, exchange.status, seconds)
        self._log.add(exchange.scope, route, exchange.status, seconds)

    def _tick(self) -> None:
        """Cancel what is late and write the log, as long as requests are under way."""
        cancel_late(self._deadlines, time.monotonic())
        self.flush()
        if self._deadlines and self._loop is not None:
            self._loop.call_later(self._period, self._tick)
        else:
            self._loop = None

    def flush(self) -> None:
        """Write the log lines and metrics gathered of requests that have ended."""
        self._log.flush()
        metrics.flush()


class _Exchange:
    """One request and its answer: wraps `receive` and `send`."""

    __slots__ = (
        "_lifecycle",
        "_receive",
        "_send",
        "_trace_id",
        "began",
        "deadline",
        "scope",
        "status",
    )

    def __init__(
        self, lifecycle: RequestLifecycle, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._lifecycle = lifecycle
        self._receive = receive
        self._send = send
        self._trace_id = scope["convlens.trace"] = access_log.trace_id(scope)
        self.scope = scope
        self.status = 0
        self.deadline = Deadline(scope, lifecycle.due(scope))
        self.began = time.perf_counter()

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):
            self.deadline.due = time.monotonic() + self._lifecycle.seconds
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            more = security_headers.add(self.scope["path"], message.get("headers", ()))
            more.append((b"x-request-id", self._trace_id.encode()))
            if self._lifecycle.drain.has_begun:
                more.append((b"connection", b"close"))
            message = {**message, "headers": more}
        await self._send(message)
