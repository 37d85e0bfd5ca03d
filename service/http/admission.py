"""Load shedding: a worker with `concurrency` requests under way answers further ones 503.

A request that arrives in one piece is refused before it is parsed. A refusal then costs a tenth of
an answer, so that a worker asked for three times what it can do still spends most time on answers.
"""

import asyncio
import logging
import re

from service.errors import Busy
from service.http import problems
from service.observability import metrics

# Probes and metrics are answered under overload too.
EXEMPT = (b"/livez", b"/readyz", b"/v2/health/", b"/metrics")
_METHODS = (b"POST ", b"GET ")
_EXEMPT_STARTS = tuple(b"GET " + path for path in EXEMPT)
# Headers that decide where a request ends or whether its connection closes. The group captures a
# plain Content-Length; it is empty for every other such header.
_FRAMING = re.compile(
    rb"\r\n(?:content-length: *(\d{1,10})(?=\r\n)"
    rb"|content-length|transfer-encoding|connection:[ \t]*c|expect)",
    re.IGNORECASE,
)
_REPORT_SECONDS = 1.0

logger = logging.getLogger("convlens")


class Admission:
    """Counts one worker's requests that have arrived whole and are not answered yet.

    `limit` is how many there may be; beyond it the worker is full.
    """

    def __init__(self, limit: int) -> None:
        self.is_full = limit <= 0
        self._under_way = 0
        self._limit = limit
        self._refused = 0
        self._is_report_due = False
        self._usual = problems.serialize("/", self.refusal())
        self._answers = {
            path.encode(): problems.serialize(path, self.refusal()) for path in problems.PROTOCOLS
        }

    def add(self, count: int) -> None:
        """Count `count` more requests under way, or fewer if it is negative."""
        self._under_way += count
        self.is_full = self._under_way >= self._limit

    def refusal(self) -> Busy:
        """The error for a request that is refused."""
        return Busy(f"{self._limit} requests are under way in this worker. Send this again later.")

    def refuse(self, data: bytes) -> bytes | None:
        """The answer to `data`, serialized; None unless it is one whole, refusable request."""
        if not data.startswith(_METHODS) or data.startswith(_EXEMPT_STARTS) or not _is_whole(data):
            return None
        self._refused += 1
        if not self._is_report_due:
            self._is_report_due = True
            asyncio.get_running_loop().call_later(_REPORT_SECONDS, self._report)
        path = data.index(b" ") + 1
        return self._answers.get(data[path : path + 4], self._usual)

    def _report(self) -> None:
        """Count and log a second's refusals; one by one this would cost as much as they do."""
        metrics.REFUSALS.labels(Busy.title).inc(self._refused)
        metrics.REQUESTS.labels("any", "none", Busy.status).inc(self._refused)
        logger.warning("%d requests were refused within a second: too many at once.", self._refused)
        self._refused, self._is_report_due = 0, False


def _is_whole(data: bytes) -> bool:
    """Whether `data` is exactly one HTTP/1.1 request whose connection is kept open."""
    end = data.find(b"\r\n\r\n")
    if end < 0 or not data.endswith(b" HTTP/1.1", 0, data.index(b"\r\n")):
        return False
    framing = _FRAMING.findall(data, 0, end + 2)
    if not framing:
        return len(data) == end + 4
    return len(framing) == 1 and framing[0] != b"" and len(data) == end + 4 + int(framing[0])
