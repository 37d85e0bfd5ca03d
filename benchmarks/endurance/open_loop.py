"""One HTTP request becomes load at a rate or as fast as answers come, and what came of it.

A rate is kept whether or not earlier requests were answered, at random times as of many people,
and a request's time counts from the moment when it was due. Bare sockets: through an event loop
one core sent less than three times what one core of the service answers.
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
_LAST = re.compile(rb"\r\nconnection: close\r\n", re.IGNORECASE)
_TICK = 0.0005
_AFTERWARDS = 0.5
_PIECE = 2**16


@dataclass(slots=True)
class Storm:
    """What one run counted, times in seconds: of answers, of refusals, how late requests were sent;
    failures, and how long it ran."""

    seconds: float
    answers: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    failed: int = 0

    def __add__(self, other: "Storm") -> "Storm":
        """Both runs as one."""
        return Storm(
            self.seconds + other.seconds,
            self.answers + other.answers,
            self.refusals + other.refusals,
            self.late + other.late,
            self.failed + other.failed,
        )

    @property
    def goodput(self) -> float:
        """Good answers a second."""
        return len(self.answers) / self.seconds

    @property
    def sent(self) -> float:
        """Requests a second, whatever their end."""
        return (len(self.answers) + len(self.refusals) + self.failed) / self.seconds


def percentile(seconds: list[float], share: float) -> float:
    """The milliseconds that `share` percent of `seconds` stay under; NaN where there is none."""
    return 1000 * float(np.percentile(seconds, share)) if seconds else float("nan")


def run(
    port: int, request: bytes, connections: int, seconds: float, rate: float | None = None
) -> Storm:
    """Send `request` to a port of loopback over kept `connections`: `rate` a second, or each
    connection when it has its answer."""
    storm = Storm(seconds)
    sender = _Sender(port, request, storm)
    gc.disable()  # Its pauses would look like the server's.
    try:
        for _ in range(connections):
            sender.connect()
        if rate is None:
            sender.hurry()
        else:
            sender.keep(rate)
    finally:
        gc.enable()
        sender.close()
    return storm


class _Sender:
    """Connections that are free, those that wait, and how requests are given to them."""

    def __init__(self, port: int, request: bytes, storm: Storm) -> None:
        self._place = ("127.0.0.1", port)
        self._request = request
        self._storm = storm
        self._poll = select.epoll()
        self._all: dict[int, _Connection] = {}
        self._free: list[_Connection] = []

    def hurry(self) -> None:
        """Send on each connection, and again when it has its answer."""
        until = time.perf_counter() + self._storm.seconds
        while (now := time.perf_counter()) < until:
            while self._free:
                self._send(now)
            self._receive(0.1)
        self._finish()

    def keep(self, rate: float) -> None:
        """Send `rate` a second, each on the connection that was freed last."""
        chance = random.Random(1)
        due = time.perf_counter()
        until = due + self._storm.seconds
        while (now := time.perf_counter()) < until:
            while due <= now:
                if self._free:
                    self._storm.late.append(now - due)
                    self._send(due)
                else:
                    self._storm.failed += 1  # Every connection waits for an answer.
                due += chance.expovariate(rate)
                now = time.perf_counter()
            if not self._receive(0):
                time.sleep(_TICK)
        self._finish()

    def connect(self) -> None:
        connection = _Connection(socket.create_connection(self._place))
        self._all[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        self._free.append(connection)

    def close(self) -> None:
        for one in self._all.values():
            one.socket.close()
        self._poll.close()

    def _finish(self) -> None:
        """Take the last answers."""
        until = time.perf_counter() + _AFTERWARDS
        while (left := until - time.perf_counter()) > 0:
            self._receive(left)

    def _send(self, due: float) -> None:
        connection = self._free.pop()
        connection.due, connection.answer, connection.rest = due, b"", self._request
        self._write(connection)

    def _write(self, connection: "_Connection") -> None:
        try:
            connection.rest = connection.rest[connection.socket.send(connection.rest) :]
        except BlockingIOError:
            pass
        except OSError:  # The server has ended it; what it said before is read first.
            connection.rest = b""
        if connection.is_writing != bool(connection.rest):
            connection.is_writing = not connection.is_writing
            more = select.EPOLLOUT if connection.is_writing else 0
            self._poll.modify(connection.socket, select.EPOLLIN | more)

    def _receive(self, seconds: float) -> bool:
        """Take what has come; whether anything has."""
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
            data = connection.socket.recv(_PIECE)
        except OSError:
            data = b""
        if not data:
            self._replace(connection)
        elif connection.due is not None:
            connection.answer += data
            if connection.is_answered():
                self._count(int(connection.answer[9:12]), connection.due)
                connection.due = None
                if connection.rest or _LAST.search(connection.answer):
                    self._replace(connection)
                else:
                    self._free.append(connection)

    def _replace(self, connection: "_Connection") -> None:
        """`connection` has ended."""
        if connection.due is not None:
            self._storm.failed += 1
        elif connection in self._free:
            self._free.remove(connection)
        del self._all[connection.socket.fileno()]
        connection.socket.close()
        self.connect()

    def _count(self, status: int, due: float) -> None:
        times = {200: self._storm.answers, 503: self._storm.refusals}.get(status)
        if times is None:
            self._storm.failed += 1
        else:
            times.append(time.perf_counter() - due)


class _Connection:
    """One connection; at most one request of it waits for an answer, since `due`."""

    __slots__ = ("answer", "due", "is_writing", "rest", "socket")

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.due: float | None = None
        self.answer = b""
        self.rest = b""
        self.is_writing = False

    def is_answered(self) -> bool:
        end = self.answer.find(b"\r\n\r\n")
        if end < 0 or (length := _LENGTH.search(self.answer, 0, end)) is None:
            return False
        return len(self.answer) >= end + 4 + int(length[1])
