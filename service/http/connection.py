"""One client connection: bytes become bounded requests for the application.

uvicorn, whose protocol this extends, bounds neither the size of a request's head nor the time that
a request takes to arrive, and limits requests under way only by counting connections.
Overridden methods, their order and the attributes read are uvicorn's, not documented, and asserted
in tests/service/http/test_private_apis.py.
"""

import asyncio
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.errors import HeadTooLarge, Malformed, ServiceError, TargetTooLong, TooSlow
from service.http import problems
from service.http.admission import EXEMPT, Admission
from service.http.deadlines import cancel_disconnected
from service.observability import metrics
from service.workers.connection_balance import BalancedLoop

MAX_HEADERS = 100
MAX_TARGET_BYTES = 32 * 2**10
MAX_HEAD_BYTES = 64 * 2**10
LINGER_SECONDS = 1.0
"""From the last byte of a refusal to the close of its connection."""
GRACE_SECONDS = 0.05
"""From a connection's timeout to its close. The event loop runs timers before it reads sockets:
what arrived while the process was busy is still read."""


class Connection(HttpToolsProtocol):
    """A connection on which a request arrives whole within `arrival_seconds`, or is refused.

    The seconds and the `Admission` come from the lifespan's state. A request that arrives in one
    piece needs no timer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seconds: float = self.app_state.get("arrival_seconds", 30.0)
        self._timer: asyncio.TimerHandle | None = None
        self._is_whole = False
        self._is_in_head = True
        self._head_bytes = 0
        self._is_refused = False
        self._admission: Admission = self.app_state["admission"]
        self._is_counted = False
        self._refused_at = 0.0
        self._refusal: ServiceError | None = None
        self.url = b"/"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._timer = self.loop.call_later(self._seconds, self._time_out)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if isinstance(self.loop, BalancedLoop):
            self.loop.table.add(-1)
        if self._is_counted:
            self._is_counted = False
            self._admission.add(-1)
        if self.cycle is not None and not self.cycle.response_complete:
            cancel_disconnected(cast(Scope, self.cycle.scope))
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_whole, self._is_in_head, self._head_bytes = False, True, 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if len(self.headers) > MAX_HEADERS:
            self._raise(HeadTooLarge(f"A request may have up to {MAX_HEADERS} headers."))
        if len(self.url) > MAX_TARGET_BYTES:
            self._raise(TargetTooLong(f"An address may have up to {MAX_TARGET_BYTES} bytes."))
        self._check_admission()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_whole = True
        if not self._is_counted:
            self._check_admission()
            if not self.cycle.response_complete:
                self._is_counted = True
                self._admission.add(1)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        # Pipelined requests are answered one after another: together they count as one.
        if self._is_counted and not self.pipeline:
            self._is_counted = False
            self._admission.add(-1)
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        if self._is_refused or (self._admission.is_full and self._refuse_unparsed(data)):
            return
        super().data_received(data)
        if self._is_whole:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(self._seconds, self._time_out)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(
                    HeadTooLarge(f"Address and headers have more than {MAX_HEAD_BYTES} bytes.")
                )

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, a moment later than uvicorn would."""
        close = super().timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(GRACE_SECONDS, close)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser cannot read, or what a callback has raised."""
        self._refuse(self._refusal or Malformed("Malformed HTTP request."))

    def _refuse_unparsed(self, data: bytes) -> bool:
        """Refuse `data` if it is one whole request, and keep the connection; whether it was."""
        if not self._is_between_requests() or (answer := self._admission.refuse(data)) is None:
            return False
        self.transport.write(answer)
        # Restart the keep-alive timeout, once a second: a timer costs as much as a refusal.
        if (now := self.loop.time()) > self._refused_at + 1:
            self._refused_at = now
            self._stop_timer()
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        return True

    def _is_between_requests(self) -> bool:
        """Whether the next byte begins a request."""
        if self.cycle is None:
            return not self._head_bytes
        return self._is_whole and self.cycle.response_complete

    def _check_admission(self) -> None:
        """Refuse a request, however much of it has arrived, while the worker is full."""
        if self._admission.is_full and not self._is_counted and not self.url.startswith(EXEMPT):
            self._raise(self._admission.refusal())

    def _raise(self, refusal: ServiceError) -> None:
        # The parser replaces what a callback raises by an error of its own.
        self._refusal = refusal
        raise refusal

    def _time_out(self) -> None:
        self._timer = self.loop.call_later(GRACE_SECONDS, self._refuse_late)

    def _refuse_late(self) -> None:
        self._timer = None
        sentence = f"The request did not arrive whole within {self._seconds:g} seconds."
        self._refuse(TooSlow(sentence))

    def _refuse(self, refusal: ServiceError) -> None:
        """Write `refusal`, unless an answer has begun, and close the connection."""
        self._stop_timer()
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            path, last = self.url.decode("latin-1"), (b"connection", b"close")
            self.transport.write(problems.serialize(path, refusal, last))
            metrics.REFUSALS.labels(refusal.title).inc()
        if self.cycle is not None:
            self.cycle.disconnected = True  # uvicorn drops what the application still sends.
        self._linger()

    def _linger(self) -> None:
        """Close after a second: closing while bytes are unread resets the connection, and the
        client may lose the answer.
        """
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
