"""The errors of a call; the text of each is one sentence, the service's own where it answered.

ClientError
├── Unreachable    no answer came: no connection, or not in time
├── Unavailable    429, 5xx: the service is busy, not ready or broken, after all retries
└── Refused        4xx: the request is at fault, so a retry would not help
    └── NotFound   404: an unknown model, layer, map or label
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx2 as httpx


class ClientError(Exception):
    """The base class of the client's errors."""


class Unreachable(ClientError):
    """No answer came; `again` says whether the same request may be sent again."""

    def __init__(self, detail: str, again: bool) -> None:
        super().__init__(detail)
        self.again = again


class _Answered(ClientError):
    """`problem` has every member of the service's problem document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.title = str(problem.get("title") or _phrase(status))
        self.detail = str(problem.get("detail") or f"The service answered {status} {self.title}.")
        super().__init__(self.detail)


class Unavailable(_Answered):
    """`retry_after` is how many seconds the service asked for, if it did."""

    def __init__(
        self, status: int, problem: Mapping[str, Any], retry_after: float | None = None
    ) -> None:
        super().__init__(status, problem)
        self.retry_after = retry_after


class Refused(_Answered):
    """The service refuses the request, and would refuse it again."""


class NotFound(Refused):
    """The model, layer, map or label does not exist."""

    @property
    def known(self) -> list[str]:
        """The names that do exist, if the service listed them."""
        return list(self.problem.get("known") or ())


def of_answer(response: httpx.Response) -> ClientError | None:
    """The error for a response whose status is not a success, else None."""
    status = response.status_code
    if status < 300:
        return None
    problem = _problem(response)
    if status == 429 or status >= 500:
        return Unavailable(status, problem, _seconds(response.headers.get("retry-after")))
    return of_problem(status, problem)


def of_problem(status: int, problem: Mapping[str, Any]) -> Refused:
    """The error for a problem document whose status is 4xx."""
    return NotFound(status, problem) if status == 404 else Refused(status, problem)


def of_transport(error: httpx.TransportError, url: str) -> Unreachable:
    """The error for a request that got no answer because of `error`."""
    slow = isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout | httpx.PoolTimeout)
    reason = "did not answer in time" if slow else f"cannot be reached: {error or 'no connection'}"
    again = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | httpx.ConnectTimeout)
    return Unreachable(f"{url} {reason}.", again)


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    """The problem document; empty for an answer that a proxy gave instead of the service."""
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _seconds(header: str | None) -> float | None:
    """Retry-After, which is a number of seconds or a date, as seconds from now."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an unknown status"
