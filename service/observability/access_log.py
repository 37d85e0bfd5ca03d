"""A request that has ended becomes one line of the access log and counts in the metrics."""

import logging
import random
import re
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import orjson
from prometheus_client import Counter, Histogram
from starlette.types import Scope

from service.observability import metrics

logger = logging.getLogger("convlens.access")

# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace, parent, flags.
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_TOKEN = re.compile(r"(image=[\w-]{12})[\w-]+")
_MAX_LINES = 10_000


class AccessLog:
    """Gathers the lines of ended requests and writes them together: singly each took 40 µs."""

    def __init__(self, form: Literal["text", "json"]) -> None:
        self._line: Callable[[Scope, str, int, float], str] = {"text": text, "json": json}[form]
        self._lines: list[str] = []

    def add(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        """Add the line of the request of `scope`, which has ended."""
        self._lines.append(self._line(scope, route, status, seconds))
        if len(self._lines) > _MAX_LINES:
            self.flush()

    def flush(self) -> None:
        """Write the gathered lines."""
        if self._lines:
            lines, self._lines = self._lines, []
            logger.info("%s", "\n".join(lines))


class JsonFormatter(logging.Formatter):
    """Formats a log record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def count(scope: Scope, route: str, status: int, seconds: float) -> None:
    """Count and time the request of `scope`; status 0 if the client left before an answer began."""
    requests, times = _metrics(scope["method"], route, status)
    requests.inc()
    times.observe(seconds)


@cache  # prometheus_client's look-up of labels takes as long as the rest of `count`.
def _metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return metrics.REQUESTS.labels(method, route, status), metrics.SECONDS.labels(route)


def trace_id(scope: Scope) -> str:
    """The trace id of the request's `traceparent`, or a new one: 32 hexadecimal digits."""
    for name, value in scope["headers"]:
        if name == b"traceparent" and (found := _TRACEPARENT.fullmatch(value)):
            return str(found[1].decode())
    return f"{random.getrandbits(128):032x}"


def route_of(scope: Scope) -> str:
    """The pattern of the path, or "none": labels of metrics must be few."""
    return getattr(scope.get("route"), "path", None) or "none"


def text(scope: Scope, route: str, status: int, seconds: float) -> str:
    """The line of a request in uvicorn's form."""
    client = scope.get("client") or ("-", 0)
    request = f"{scope['method']} {_address(scope)} HTTP/{scope.get('http_version', '1.1')}"
    return f'INFO:     {client[0]}:{client[1]} - "{request}" {status}'


def json(scope: Scope, route: str, status: int, seconds: float) -> str:
    """The line of a request as a JSON object."""
    fields = {
        "time": _now(int(time.time())),
        "level": "info",
        "logger": logger.name,
        "message": "request",
        "trace_id": scope["convlens.trace"],
        "client": (scope.get("client") or ("",))[0],
        "key": scope.get("convlens.key"),
        "method": scope["method"],
        "path": _address(scope),
        "route": route,
        "status": status,
        "seconds": round(seconds, 6),
    }
    return orjson.dumps(fields).decode()


@cache
def _zone() -> str:
    return time.strftime("%z")


def _now(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(second)) + _zone()


def shorten(address: str) -> str:
    """Cut image tokens in `address` to 12 characters, enough to tell two apart."""
    return _TOKEN.sub(r"\1…", address)


def _address(scope: Scope) -> str:
    """Path and query as received, on one line, at most 2,000 characters, tokens cut short."""
    address = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    if query := scope["query_string"]:
        address = shorten(f"{address}?{query.decode('latin-1')}")
    return address[:2000] if address.isprintable() else ascii(address)[1:2001]
