"""Connections: what uvicorn lets through without bound, refused in size, count and time."""

import asyncio
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.errors import HeadTooLarge, Malformed, ServiceError, TargetTooLong, TooSlow
from service.http import problems
from service.http.admission import ALWAYS, Admission
from service.http.corked_transport import Corked
from service.http.deadlines import let_go
from service.observability import metrics
from service.workers.connection_balance import Loop

MOST_HEADERS = 100
LONGEST_TARGET = 32 * 2**10
LARGEST_HEAD = 64 * 2**10
LINGERING_SECONDS = 1.0
READING_SECONDS = 0.05
"""From the end of a connection's time to its close: what came while this process was held up, and
by the loop's order stands behind its timers, is read meanwhile."""


class Connection(HttpToolsProtocol):
    """One connection. A request arrives whole within `arrival_seconds`, or the connection ends.

    The seconds come from the lifespan's state. A request that comes in one piece costs nothing.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seconds: float = self.app_state.get("arrival_seconds", 30.0)
        self._timer: asyncio.TimerHandle | None = None
        self._is_whole = False
        self._in_head = True
        self._head = 0
        self._is_over = False
        self._admission: Admission = self.app_state["admission"]
        self._is_counted = False
        self._refused_at = 0.0
        self._refusal: ServiceError | None = None
        self.url = b"/"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._timer = self.loop.call_later(self._seconds, self._end)

    def connection_lost(self, problem: Exception | None) -> None:
        self._stop_timer()
        if isinstance(self.loop, Loop):
            self.loop.share.change(-1)
        if self._is_counted:
            self._is_counted = False
            self._admission.change(-1)
        if self.cycle is not None and not self.cycle.response_complete:
            let_go(cast(Scope, self.cycle.scope))
        super().connection_lost(problem)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_whole, self._in_head, self._head = False, True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.headers) > MOST_HEADERS:
            self._refuse(HeadTooLarge(f"A request may have up to {MOST_HEADERS} headers."))
        if len(self.url) > LONGEST_TARGET:
            self._refuse(TargetTooLong(f"An address may have up to {LONGEST_TARGET} bytes."))
        self._take_on()
        super().on_headers_complete()
        if self.scope["method"] != "HEAD":
            self.cycle.transport = cast(asyncio.Transport, Corked(self.transport))

    def on_message_complete(self) -> None:
        self._is_whole = True
        if not self._is_counted:
            self._take_on()
            if not self.cycle.response_complete:
                self._is_counted = True
                self._admission.change(1)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        # Of pipelined requests, which are answered one after another, one is under way.
        if self._is_counted and not self.pipeline:
            self._is_counted = False
            self._admission.change(-1)
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        if self._is_over or (self._admission.is_full and self._is_refused(data)):
            return
        super().data_received(data)
        if self._is_whole:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(self._seconds, self._end)
        if self._in_head:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self._answer(
                    HeadTooLarge(f"Address and headers have more than {LARGEST_HEAD} bytes.")
                )

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for too long."""
        close = super().timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(READING_SECONDS, close)

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read, or what a callback refused."""
        self._answer(self._refusal or Malformed("This is no HTTP request that can be read."))

    def _is_refused(self, data: bytes) -> bool:
        """Whether `data` is one whole request for which there is no room, and was told so."""
        if not self._is_between() or (answer := self._admission.answer(data)) is None:
            return False
        self.transport.write(answer)
        # The time to the next request begins anew: once a second, for timers cost as much.
        if (now := self.loop.time()) > self._refused_at + 1:
            self._refused_at = now
            self._stop_timer()
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        return True

    def _is_between(self) -> bool:
        """Whether the next byte begins a request."""
        if self.cycle is None:
            return not self._head
        return self._is_whole and self.cycle.response_complete

    def _take_on(self) -> None:
        """Refuse a request for which there is no room, whatever has come of it."""
        if self._admission.is_full and not self._is_counted and not self.url.startswith(ALWAYS):
            self._refuse(self._admission.refusal())

    def _refuse(self, refusal: ServiceError) -> None:
        # The parser turns what a callback raises into an error of its own.
        self._refusal = refusal
        raise refusal

    def _end(self) -> None:
        self._timer = self.loop.call_later(READING_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        sentence = f"The request did not arrive whole within {self._seconds:g} seconds."
        self._answer(TooSlow(sentence))

    def _answer(self, refusal: ServiceError) -> None:
        """Say why, unless an answer has begun, and close."""
        self._stop_timer()
        if self._is_over or self.transport.is_closing():
            return
        self._is_over = True
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            path, last = self.url.decode("latin-1"), (b"connection", b"close")
            self.transport.write(problems.written(path, refusal, last))
            metrics.REFUSALS.labels(refusal.title).inc()
        if self.cycle is not None:
            self.cycle.disconnected = True  # What the application still says is dropped.
        self._linger()

    def _linger(self) -> None:
        """Close when the client had time to read: closing on unread bytes would lose the answer."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGERING_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
