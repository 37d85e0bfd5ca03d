"""Measures CPU time in µs: of a function per item, or of the service per request, no network used.

`per_request` uses the service's connection protocol on a transport that sends nothing.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from service.http.connection import Connection

ROUNDS = 15


class FakeTransport(asyncio.Transport):
    """Keeps what the service writes, and sets `answered` when it has written an answer."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.answered = asyncio.Event()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        self.answered.set()

    def forget(self) -> None:
        """Be ready for the next answer."""
        self.written = b""
        self.answered.clear()

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Does nothing: there is no socket."""

    def pause_reading(self) -> None:
        """Does nothing: the benchmark calls `data_received` itself."""

    def resume_reading(self) -> None:
        """Does nothing: the benchmark calls `data_received` itself."""


def uvloop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """The event loop that the service runs on."""
    factory = uvicorn.Config("", loop="uvloop").get_loop_factory()
    assert factory is not None
    return factory


def per_item(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """The CPU time in µs that this thread needs for `work` of one of `items`; median of ROUNDS."""
    taken = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for item in items:
            work(item)
        taken.append(time.thread_time() - began)
    return 1e6 * statistics.median(taken) / len(items)


async def per_request(
    app: Any,
    state: dict[str, Any],
    raw: Sequence[bytes],
    clock: Callable[[], float] = time.thread_time,
) -> float:
    """The CPU time in µs from the bytes of a request to those of its answer; median of ROUNDS.

    By default that of this thread; with `time.process_time` that of worker threads is included.
    """
    config = uvicorn.Config(app, http=Connection, access_log=False, log_config=None)
    config.load()
    connection = Connection(config, ServerState(), state)
    transport = FakeTransport()
    connection.connection_made(transport)
    taken = []
    for _ in range(ROUNDS):
        began = clock()
        for one in raw:
            transport.forget()
            connection.data_received(one)
            await transport.answered.wait()
        taken.append(clock() - began)
        assert transport.written.startswith(b"HTTP/1.1 200"), transport.written
    connection.connection_lost(None)
    return 1e6 * statistics.median(taken) / len(raw)
