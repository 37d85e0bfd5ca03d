"""Where every request enters: named, bounded in time, guarded, counted and written down.

One layer, for each further one that wraps what is sent took as long as decoding an image.
"""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Late
from service.http import problems, security_headers
from service.http.deadlines import Place, end_late
from service.observability import access_log, metrics
from service.settings import Settings
from service.workers.graceful_stop import Drain


class Entrance:
    """Lets requests through to `app`, and answers 503 for it when their time is over.

    That is `deadline_seconds` after a request came in whole. While the service drains, every
    answer ends its connection.
    """

    def __init__(self, app: ASGIApp, settings: Settings, drain: Drain) -> None:
        self._app = app
        self._arrival = settings.arrival_seconds
        self._access = access_log.Access(settings.log)
        self._places: set[Place] = set()
        # One timer for all: one for each request took longer than all the rest here.
        self._period = min(0.25, settings.deadline_seconds / 10)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.seconds = settings.deadline_seconds
        self.drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit(self, scope, receive, send)
        place = visit.place
        self._enter(place)
        try:
            await self._app(scope, visit.receive, visit.send)
        except asyncio.CancelledError:
            if not place.was_left():
                raise
            if not place.is_gone:
                await self._refuse(visit)
        finally:
            self._leave(visit)

    async def _refuse(self, visit: "_Visit") -> None:
        if visit.status:
            raise TimeoutError  # An answer that has begun can only be broken off.
        late = Late(f"This took longer than {self.seconds:g} seconds. Send it again later.")
        scope = visit.scope
        await problems.response(scope["path"], late)(scope, visit.receive, visit.send)

    def time_of(self, scope: Scope) -> float:
        """When `scope` must have been answered if nothing more were known of it."""
        # Only what has a body is waited for.
        has_body = scope["method"] not in ("GET", "HEAD")
        return time.monotonic() + self.seconds + (self._arrival if has_body else 0)

    def _enter(self, place: Place) -> None:
        metrics.IN_PROGRESS.inc()
        self._places.add(place)
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self._period, self._look)

    def _leave(self, visit: "_Visit") -> None:
        visit.place.close()
        self._places.discard(visit.place)
        metrics.IN_PROGRESS.dec()
        seconds = time.perf_counter() - visit.began
        route = access_log.route_of(visit.scope)
        access_log.count(visit.scope, route, visit.status, seconds)
        self._access.add(visit.scope, route, visit.status, seconds)

    def _look(self) -> None:
        """What is done for all requests at once."""
        end_late(self._places, time.monotonic())
        self.flush()
        if self._places and self._loop is not None:
            self._loop.call_later(self._period, self._look)
        else:
            self._loop = None

    def flush(self) -> None:
        """Write what has been gathered of requests that have ended."""
        self._access.flush()
        metrics.flush()


class _Visit:
    """One request on its way through."""

    __slots__ = ("_entrance", "_receive", "_send", "_trace", "began", "place", "scope", "status")

    def __init__(self, entrance: Entrance, scope: Scope, receive: Receive, send: Send) -> None:
        self._entrance = entrance
        self._receive = receive
        self._send = send
        self._trace = scope["convlens.trace"] = access_log.trace(scope)
        self.scope = scope
        self.status = 0
        self.place = Place(scope, entrance.time_of(scope))
        self.began = time.perf_counter()

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):
            self.place.due = time.monotonic() + self._entrance.seconds
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            more = security_headers.guarded(self.scope["path"], message.get("headers", ()))
            more.append((b"x-request-id", self._trace.encode()))
            if self._entrance.drain.has_begun:
                more.append((b"connection", b"close"))
            message = {**message, "headers": more}
        await self._send(message)
