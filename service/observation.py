"""Every request is counted, timed, named and, where wanted, written down as one JSON line."""

import logging
import random
import re
import time
from functools import cache
from typing import Any

import orjson
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, metrics

logger = logging.getLogger("convlens.access")

# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace, parent, flags.
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


class Observed:
    """Counts and times; the name, the caller's trace or a new one, goes back with the answer."""

    def __init__(self, app: ASGIApp, written: bool) -> None:
        self._app = app
        self._written = written

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        trace = scope["convlens.trace"] = _trace(scope)

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", trace.encode())]
                message = {**message, "headers": headers}
            await send(message)

        metrics.IN_PROGRESS.inc()
        try:
            await self._app(scope, receive, observed)
        finally:
            metrics.IN_PROGRESS.dec()
            seconds = time.perf_counter() - began
            route = _route(scope)
            # 0: the client went before an answer began.
            requests, times = _numbers(scope["method"], route, status)
            requests.inc()
            times.observe(seconds)
            if self._written:
                logger.info("request", extra={"fields": _fields(scope, route, status, seconds)})


class Lines(logging.Formatter):
    """Log records in, one JSON object a line out."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


@cache  # The library's own look-up of labels takes as long as all the rest.
def _numbers(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return metrics.REQUESTS.labels(method, route, status), metrics.SECONDS.labels(route)


def _trace(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"traceparent" and (found := _TRACEPARENT.fullmatch(value)):
            return str(found[1].decode())
    return f"{random.getrandbits(128):032x}"


def _route(scope: Scope) -> str:
    """The pattern of the path: the paths themselves are without number."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "none")


def _fields(scope: Scope, route: str, status: int, seconds: float) -> dict[str, Any]:
    address = f"{scope['path']}?{scope['query_string'].decode('latin-1')}".rstrip("?")
    return {
        "trace_id": scope["convlens.trace"],
        "client": (scope.get("client") or ("",))[0],
        "key": scope.get("convlens.key"),
        "method": scope["method"],
        "path": logs.shorten(address)[:2000],
        "route": route,
        "status": status,
        "seconds": round(seconds, 6),
    }
