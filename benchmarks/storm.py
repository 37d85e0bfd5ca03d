"""One HTTP request becomes load at a rate or as fast as answers come, and what came of it.

A rate is kept whether or not earlier requests were answered, at random times as of many people,
and a request's time counts from the moment when it was due.
"""

import asyncio
import gc
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import uvloop
from numpy.typing import NDArray

Milliseconds = NDArray[np.float64]

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_TICK = 0.0005


@dataclass(slots=True)
class Storm:
    """What one run counted: times of answers and of refusals in ms, failures, and its seconds."""

    seconds: float
    answers: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    failed: int = 0

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
    gc.disable()  # Its pauses would look like the server's.
    try:
        uvloop.run(_Sender(port, request, storm).run(connections, rate))
    finally:
        gc.enable()
    return storm


class _Sender:
    """Connections that are free, and how requests are given to them."""

    def __init__(self, port: int, request: bytes, storm: Storm) -> None:
        self.request = request
        self.storm = storm
        self.free: deque[_Connection] = deque()
        self.is_closed_loop = False
        self.is_over = False
        self._port = port

    async def run(self, connections: int, rate: float | None) -> None:
        self.is_closed_loop = rate is None
        await asyncio.gather(*(self.connect() for _ in range(connections)))
        until = time.perf_counter() + self.storm.seconds
        if rate is None:
            while self.free:
                self.free.popleft().send(time.perf_counter())
            await asyncio.sleep(self.storm.seconds)
        else:
            await self._keep(rate, until)
        self.is_over = True
        await asyncio.sleep(0.5)

    async def _keep(self, rate: float, until: float) -> None:
        random = np.random.default_rng(1)
        due = time.perf_counter()
        while (now := time.perf_counter()) < until:
            while due <= now:
                if self.free:
                    self.free.pop().send(due)  # Not one that the server may just be ending.
                else:
                    self.storm.failed += 1  # Every connection waits for an answer.
                due += random.exponential(1 / rate)
            await asyncio.sleep(_TICK)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(self), "127.0.0.1", self._port
        )
        self.free.append(connection)


class _Connection(asyncio.Protocol):
    """One connection; at most one request of it waits for an answer."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._due: float | None = None
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, due: float) -> None:
        self._due, self._answer = due, b""
        self._transport.write(self._sender.request)

    def data_received(self, data: bytes) -> None:
        if self._due is None:
            return  # The server tells a connection that was never used that it ends it.
        self._answer += data
        end = self._answer.find(b"\r\n\r\n")
        if end < 0 or (length := _LENGTH.search(self._answer, 0, end)) is None:
            return
        if len(self._answer) < end + 4 + int(length[1]):
            return
        self._count(int(self._answer[9:12]))
        if self._sender.is_closed_loop and not self._sender.is_over:
            self.send(time.perf_counter())
        else:
            self._sender.free.append(self)

    def connection_lost(self, problem: Exception | None) -> None:
        """A connection that the server has ended is replaced by another."""
        if self._sender.is_over:
            return
        if self._due is not None:
            self._sender.storm.failed += 1
        if self in self._sender.free:
            self._sender.free.remove(self)
        self._again = asyncio.ensure_future(self._sender.connect())

    def _count(self, status: int) -> None:
        assert self._due is not None
        times = {200: self._sender.storm.answers, 503: self._sender.storm.refusals}.get(status)
        if times is None:
            self._sender.storm.failed += 1
        else:
            times.append(time.perf_counter() - self._due)
        self._due = None
