"""A worker that has enough to do refuses further requests, at a small part of what they cost.

While a refusal costs a tenth of an answer, three times what a worker can do leaves it most of its
time for answers; so a whole request in one piece is refused before it is even parsed.
"""

import asyncio
import logging
import re

from service import metrics, problems
from service.errors import Busy

# Whatever watches over the service must hear from it just then.
ALWAYS = (b"/livez", b"/readyz", b"/v2/health/", b"/metrics")
_ALWAYS = tuple(b"GET " + path for path in ALWAYS)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,10})(?=\r\n|$)")
# What changes how the request ends, or the connection.
_UNUSUAL = (b"\r\ntransfer-encoding", b"\r\nconnection: c", b"\r\nexpect")
_TOLD_SECONDS = 1.0

logger = logging.getLogger("convlens")


class Admission:
    """Counts the requests of one worker that came in whole and are not answered yet."""

    def __init__(self, most: int) -> None:
        self.under_way = 0
        self._most = most
        self._refused = 0
        self._is_to_tell = False
        self._answers = {
            path: problems.written(path, self.refusal()) for path in ("/", *problems.PROTOCOLS)
        }

    @property
    def is_full(self) -> bool:
        return self.under_way >= self._most

    def refusal(self) -> Busy:
        """Why nothing more is taken on at present."""
        return Busy(f"{self._most} requests are under way in this worker. Send this again later.")

    def answer(self, data: bytes) -> bytes | None:
        """What to write for `data`; None unless it is one whole request that may be refused."""
        if not self.is_full or not data.startswith((b"POST ", b"GET ")):
            return None
        if data.startswith(_ALWAYS) or not _is_whole(data):
            return None
        self._refused += 1
        if not self._is_to_tell:
            self._is_to_tell = True
            asyncio.get_running_loop().call_later(_TOLD_SECONDS, self._tell)
        path = data[data.index(b" ") + 1 :][:4].decode("latin-1")
        return self._answers.get(path, self._answers["/"])

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
    head = data[:end].lower()
    lengths = _LENGTH.findall(head)
    if len(lengths) != head.count(b"\r\ncontent-length") or len(lengths) > 1:
        return False
    if any(one in head for one in _UNUSUAL):
        return False
    return len(data) == end + 4 + (int(lengths[0]) if lengths else 0)
