"""An event loop whose servers balance connections between the workers that share a socket.

Otherwise whichever worker wakes first accepts a whole burst, and since connections are kept open,
it goes on answering nearly all requests while another idles. uvloop's `Loop` is overridden, and its
`create_server` answers with a server of our own: what is relied on is asserted in
tests/service/http/test_private_apis.py.
"""

import asyncio
import contextlib
import fcntl
import mmap
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

FOLDER = "CONVLENS_SHARED"
"""The environment variable that names the folder shared by all workers of one service."""

_FILE = "connections"
_MAX_WORKERS = 64
_ROW = struct.Struct("=ii")  # process id, open connections
_MAX_BATCH = 8
"""Connections accepted at once. The counts of other workers are out of date until their event loops
have run: a worker that took all that wait would have too many."""
_YIELD_SECONDS = 0.002
_NO_FILES_SECONDS = 0.1


class ConnectionTable:
    """How many connections each worker has open, in a file that all workers map."""

    def __init__(self, folder: Path) -> None:
        """Take the row of a worker that has ended, or an empty one."""
        path = folder / _FILE
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(_ROW.size * _MAX_WORKERS)
            self._table = mmap.mmap(file.fileno(), _ROW.size * _MAX_WORKERS)
            free = (
                row for row, (pid, _) in enumerate(self._rows()) if not pid or not _is_alive(pid)
            )
            self._row = next(free, 0)
            self._count = 0
            self._write()
            # The mapping keeps the file open, and with it the lock.
            fcntl.flock(file, fcntl.LOCK_UN)

    def add(self, count: int) -> None:
        """Count `count` more open connections of this worker, or fewer if it is negative."""
        self._count += count
        self._write()

    def has_more_than_another(self) -> bool:
        """Whether another worker has fewer connections open."""
        return any(pid and count < self._count for pid, count in self._rows())

    def fair_share(self, waiting: int) -> int:
        """How many of `waiting` connections this worker accepts now: one to eight."""
        counts = [count for pid, count in self._rows() if pid]
        fair = (sum(counts) + waiting) // len(counts) - self._count
        return max(1, min(fair, _MAX_BATCH))

    def _rows(self) -> list[tuple[int, int]]:
        """Process id and open connections by row; 0 in a row that no worker has taken."""
        return list(_ROW.iter_unpack(self._table[:]))

    def _write(self) -> None:
        _ROW.pack_into(self._table, self._row * _ROW.size, os.getpid(), self._count)


class BalancedServer(asyncio.AbstractServer):
    """Accepts a fair share of the waiting connections.

    A worker with more connections than another stops accepting for 2 ms. Accepting one connection
    an iteration of the event loop would keep the last of 128 waiting for 64 iterations.
    """

    def __init__(
        self,
        loop: "BalancedLoop",
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._protocol = protocol
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_open = True
        self._loop.add_reader(listener, self._on_readable)

    def close(self) -> None:
        """Stop accepting; open connections stay open."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """Return at once: uvicorn waits for the connections itself."""

    async def start_serving(self) -> None:
        """Do nothing: accepting began with the constructor."""

    async def serve_forever(self) -> None:
        """Do nothing: uvicorn runs the event loop."""

    def is_serving(self) -> bool:
        return self._is_open

    def get_loop(self) -> "BalancedLoop":
        return self._loop

    def _on_readable(self) -> None:
        if self._loop.table.has_more_than_another():
            self._pause(_YIELD_SECONDS)
            return
        for _ in range(self._loop.table.fair_share(_waiting(self._listener))):
            if not self._accept():
                return

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        """Accept one connection if any still waits: the other workers may be stuck."""
        if self._is_open:
            self._loop.add_reader(self._listener, self._on_readable)
            self._accept()

    def _accept(self) -> bool:
        """Accept one connection; whether there was one."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # Another worker accepted it, or the client disconnected.
        except OSError:  # The process may open no more files.
            self._pause(_NO_FILES_SECONDS)
            return False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.table.add(1)
        task = self._loop.create_task(self._open(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            self._loop.table.add(-1)


class BalancedLoop(uvloop.Loop):
    """uvloop's event loop with a server that balances connections; needs the shared folder."""

    table: ConnectionTable

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], *, sock: socket.socket, **more: Any
    ) -> BalancedServer:
        """Listen on `sock`, on which the other workers listen as well."""
        self.table = ConnectionTable(Path(os.environ[FOLDER]))
        sock.listen(more.get("backlog") or 2048)
        sock.setblocking(False)
        return BalancedServer(self, sock, protocol_factory)


def _waiting(listener: socket.socket) -> int:
    """How many connections wait to be accepted; 1 where the system does not say."""
    if sys.platform != "linux":
        return 1
    # Of a listening socket that is tcpi_unacked in TCP_INFO, tcp(7), after 8 bytes and 4 words.
    (waiting,) = struct.unpack_from(
        "=24xI", listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
    )
    return int(waiting)


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False
