"""Sends one HTTP request over and over, open or closed loop; returns latencies by status.

In the open loop, requests are due at the times of a Poisson process, whether or not earlier ones
were answered, and a latency counts from the time when the request was due. So a server that stalls
cannot hide the requests that it delays (coordinated omission). In the closed loop, each connection
sends its next request when it has an answer.

Why our own: wrk2, oha and vegeta are not packaged in Debian 12, on PyPI or on npm; of the packaged
ones, h2load hides delays and autocannon is too slow and has no latencies by status. The command
`python -m benchmarks.endurance.load_generators` prints the figures. This one polls its sockets
itself: with an event loop it sent less than three times the requests that one core of the service
answers.
"""

import gc
import random
import re
import select
import socket
import time
from dataclasses import dataclass, field

import numpy as np

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: close\r\n", re.IGNORECASE)
_SLEEP_S = 0.0005
_LAST_ANSWERS_S = 0.5
_READ_SIZE = 2**16


@dataclass(slots=True)
class LoadResult:
    """The result of one run of `seconds`; all lists are in seconds.

    `answers` are the latencies of answers with status 200, `refusals` those with status 503. `late`
    says how long after its due time each request was sent (open loop). `failed` counts the rest:
    other statuses, broken connections, requests for which no connection was free.
    """

    seconds: float
    answers: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    failed: int = 0

    def __add__(self, other: "LoadResult") -> "LoadResult":
        """Both runs as one."""
        return LoadResult(
            self.seconds + other.seconds,
            self.answers + other.answers,
            self.refusals + other.refusals,
            self.late + other.late,
            self.failed + other.failed,
        )

    @property
    def goodput(self) -> float:
        """Answers with status 200 a second."""
        return len(self.answers) / self.seconds

    @property
    def sent(self) -> float:
        """Requests a second, whatever became of them."""
        return (len(self.answers) + len(self.refusals) + self.failed) / self.seconds


def percentile(seconds: list[float], share: float) -> float:
    """The percentile `share` (0 to 100) of `seconds`, in milliseconds; NaN if there are none."""
    return 1000 * float(np.percentile(seconds, share)) if seconds else float("nan")


def run(
    port: int, request: bytes, connections: int, seconds: float, rate: float | None = None
) -> LoadResult:
    """Sends `request` to a loopback port over `connections` keep-alive connections.

    Open loop at `rate` requests a second, or closed loop without a rate.
    """
    result = LoadResult(seconds)
    sender = _Sender(port, request, result)
    gc.disable()  # A collection would count as latency of the server.
    try:
        for _ in range(connections):
            sender.connect()
        if rate is None:
            sender.send_when_answered()
        else:
            sender.send_at_rate(rate)
    finally:
        gc.enable()
        sender.close()
    return result


class _Sender:
    """The connections, those of them that are free, and the loop that sends and receives."""

    def __init__(self, port: int, request: bytes, result: LoadResult) -> None:
        self._address = ("127.0.0.1", port)
        self._request = request
        self._result = result
        self._poll = select.epoll()
        self._all: dict[int, _Connection] = {}
        self._free: list[_Connection] = []

    def send_when_answered(self) -> None:
        """Closed loop."""
        until = time.perf_counter() + self._result.seconds
        while (now := time.perf_counter()) < until:
            while self._free:
                self._send(now)
            self._receive(0.1)
        self._finish()

    def send_at_rate(self, rate: float) -> None:
        """Open loop; each request goes over the connection that became free last."""
        rng = random.Random(1)
        due = time.perf_counter()
        until = due + self._result.seconds
        while (now := time.perf_counter()) < until:
            while due <= now:
                if self._free:
                    self._result.late.append(now - due)
                    self._send(due)
                else:
                    self._result.failed += 1  # No connection is free.
                due += rng.expovariate(rate)
                now = time.perf_counter()
            if not self._receive(0):
                time.sleep(_SLEEP_S)
        self._finish()

    def connect(self) -> None:
        connection = _Connection(socket.create_connection(self._address))
        self._all[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        self._free.append(connection)

    def close(self) -> None:
        for one in self._all.values():
            one.socket.close()
        self._poll.close()

    def _finish(self) -> None:
        """Receives the answers to the last requests."""
        until = time.perf_counter() + _LAST_ANSWERS_S
        while (left := until - time.perf_counter()) > 0:
            self._receive(left)

    def _send(self, due: float) -> None:
        connection = self._free.pop()
        connection.due, connection.answer, connection.unsent = due, b"", self._request
        self._write(connection)

    def _write(self, connection: "_Connection") -> None:
        try:
            connection.unsent = connection.unsent[connection.socket.send(connection.unsent) :]
        except BlockingIOError:
            pass
        except OSError:  # The server has closed it; its answer is still to be read.
            connection.unsent = b""
        if connection.is_writing != bool(connection.unsent):
            connection.is_writing = not connection.is_writing
            more = select.EPOLLOUT if connection.is_writing else 0
            self._poll.modify(connection.socket, select.EPOLLIN | more)

    def _receive(self, seconds: float) -> bool:
        """Waits up to `seconds` for events and handles them; says whether there were any."""
        events = self._poll.poll(seconds)
        for file, event in events:
            connection = self._all[file]
            if event & select.EPOLLOUT:
                self._write(connection)
            if event & ~select.EPOLLOUT:
                self._read(connection)
        return bool(events)

    def _read(self, connection: "_Connection") -> None:
        try:
            data = connection.socket.recv(_READ_SIZE)
        except OSError:
            data = b""
        if not data:
            self._replace(connection)
        elif connection.due is not None:
            connection.answer += data
            if connection.is_answered():
                self._count(int(connection.answer[9:12]), connection.due)
                connection.due = None
                if connection.unsent or _CLOSES.search(connection.answer):
                    self._replace(connection)
                else:
                    self._free.append(connection)

    def _replace(self, connection: "_Connection") -> None:
        """Replaces a closed connection by a new one."""
        if connection.due is not None:
            self._result.failed += 1
        elif connection in self._free:
            self._free.remove(connection)
        del self._all[connection.socket.fileno()]
        connection.socket.close()
        self.connect()

    def _count(self, status: int, due: float) -> None:
        times = {200: self._result.answers, 503: self._result.refusals}.get(status)
        if times is None:
            self._result.failed += 1
        else:
            times.append(time.perf_counter() - due)


class _Connection:
    """One connection with at most one unanswered request, which was due at `due`."""

    __slots__ = ("answer", "due", "is_writing", "socket", "unsent")

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.due: float | None = None
        self.answer = b""
        self.unsent = b""
        self.is_writing = False

    def is_answered(self) -> bool:
        end = self.answer.find(b"\r\n\r\n")
        if end < 0 or (length := _LENGTH.search(self.answer, 0, end)) is None:
            return False
        return len(self.answer) >= end + 4 + int(length[1])
