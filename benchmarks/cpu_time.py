"""Work becomes µs of processor time: a stage alone, or whole requests without a network."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from service.http.connection import Connection

ROUNDS = 15


class Wire(asyncio.Transport):
    """The other end of a connection: keeps what is written, and says when an answer is whole."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.answered = asyncio.Event()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written = bytes(data)
        self.answered.set()

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """Nothing comes by itself."""


def loop() -> Callable[[], asyncio.AbstractEventLoop]:
    factory = uvicorn.Config("", loop="uvloop").get_loop_factory()
    assert factory is not None
    return factory


def each(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Microseconds for one of `items`, of this thread."""
    taken = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for item in items:
            work(item)
        taken.append(time.thread_time() - began)
    return 1e6 * statistics.median(taken) / len(items)


async def whole(
    app: Any,
    state: dict[str, Any],
    raw: Sequence[bytes],
    clock: Callable[[], float] = time.thread_time,
) -> float:
    """Microseconds from the bytes of a request to those of its answer, of this thread.

    `time.process_time` counts what answers on other threads as well.
    """
    config = uvicorn.Config(app, http=Connection, access_log=False, log_config=None)
    config.load()
    connection = Connection(config, ServerState(), state)
    wire = Wire()
    connection.connection_made(wire)
    taken = []
    for _ in range(ROUNDS):
        began = clock()
        for one in raw:
            wire.answered.clear()
            connection.data_received(one)
            await wire.answered.wait()
        taken.append(clock() - began)
        assert wire.written.startswith(b"HTTP/1.1 200"), wire.written
    connection.connection_lost(None)
    return 1e6 * statistics.median(taken) / len(raw)
