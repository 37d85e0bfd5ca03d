"""A worker that has enough to do refuses further requests, at a small part of what they cost.

While a refusal costs a tenth of an answer, three times what a worker can do leaves it most of its
time for answers; so a whole request in one piece is refused before it is even parsed.
"""

import asyncio
import logging
import re

from service.errors import Busy
from service.http import problems
from service.observability import metrics

# Whatever watches over the service must hear from it just then.
ALWAYS = (b"/livez", b"/readyz", b"/v2/health/", b"/metrics")
_METHODS = (b"POST ", b"GET ")
_ALWAYS = tuple(b"GET " + path for path in ALWAYS)
# What says how a request ends, or its connection; the group holds a length that can be relied on.
_ENDINGS = re.compile(
    rb"\r\n(?:content-length: *(\d{1,10})(?=\r\n)"
    rb"|content-length|transfer-encoding|connection:[ \t]*c|expect)",
    re.IGNORECASE,
)
_TOLD_SECONDS = 1.0

logger = logging.getLogger("convlens")


class Admission:
    """Counts the requests of one worker that came in whole and are not answered yet."""

    def __init__(self, most: int) -> None:
        self.is_full = most <= 0
        self._under_way = 0
        self._most = most
        self._refused = 0
        self._is_to_tell = False
        self._usual = problems.written("/", self.refusal())
        self._answers = {
            path.encode(): problems.written(path, self.refusal()) for path in problems.PROTOCOLS
        }

    def change(self, by: int) -> None:
        """So many requests more are under way."""
        self._under_way += by
        self.is_full = self._under_way >= self._most

    def refusal(self) -> Busy:
        """Why nothing more is taken on at present."""
        return Busy(f"{self._most} requests are under way in this worker. Send this again later.")

    def answer(self, data: bytes) -> bytes | None:
        """What to write for `data`; None unless it is one whole request that may be refused."""
        if not data.startswith(_METHODS) or data.startswith(_ALWAYS) or not _is_whole(data):
            return None
        self._refused += 1
        if not self._is_to_tell:
            self._is_to_tell = True
            asyncio.get_running_loop().call_later(_TOLD_SECONDS, self._tell)
        path = data.index(b" ") + 1
        return self._answers.get(data[path : path + 4], self._usual)

    def _tell(self) -> None:
        """Count and log what was refused; one by one this would cost as much as the refusals."""
        metrics.REFUSALS.labels(Busy.title).inc(self._refused)
        metrics.REQUESTS.labels("any", "none", Busy.status).inc(self._refused)
        logger.warning("%d requests were refused within a second: too many at once.", self._refused)
        self._refused, self._is_to_tell = 0, False


def _is_whole(data: bytes) -> bool:
    end = data.find(b"\r\n\r\n")
    if end < 0 or not data.endswith(b" HTTP/1.1", 0, data.index(b"\r\n")):
        return False
    endings = _ENDINGS.findall(data, 0, end + 2)
    if not endings:
        return len(data) == end + 4
    return len(endings) == 1 and endings[0] != b"" and len(data) == end + 4 + int(endings[0])
