"""Connections are shared out between workers: who has the fewest takes the next one.

Left to themselves, workers that listen on one socket take whole bursts, and connections that are
kept open stay where they are: one worker answers nearly all while another idles.
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
"""The variable that names the folder that all workers of one service share."""

_FILE = "connections"
_MOST_WORKERS = 64
_SLOT = struct.Struct("=ii")  # process, open connections
_MOST_AT_ONCE = 8
"""Counts of neighbours that are about to close many are wrong for a turn of their loop."""
_AWAY_SECONDS = 0.002
_FULL_SECONDS = 0.1


class Share:
    """How many connections this worker and its neighbours have open."""

    def __init__(self, folder: Path) -> None:
        """Take the place of a worker that is gone, or a new one."""
        path = folder / _FILE
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(_SLOT.size * _MOST_WORKERS)
            self._table = mmap.mmap(file.fileno(), _SLOT.size * _MOST_WORKERS)
            free = (
                place
                for place, (pid, _) in enumerate(self._slots())
                if not pid or not _is_alive(pid)
            )
            self._place = next(free, 0)
            self._count = 0
            self._write()
            # The table keeps the file open, and the lock would stay with it.
            fcntl.flock(file, fcntl.LOCK_UN)

    def change(self, by: int) -> None:
        """So many connections more are open here."""
        self._count += by
        self._write()

    def is_above(self) -> bool:
        """Whether a neighbour has fewer."""
        return any(pid and count < self._count for pid, count in self._slots())

    def part(self, waiting: int) -> int:
        """How many of `waiting` connections this worker takes now: one to eight."""
        counts = [count for pid, count in self._slots() if pid]
        fair = (sum(counts) + waiting) // len(counts) - self._count
        return max(1, min(fair, _MOST_AT_ONCE))

    def _slots(self) -> list[tuple[int, int]]:
        """Process and connections by place; 0 for a place that nobody took yet."""
        return list(_SLOT.iter_unpack(self._table[:]))

    def _write(self) -> None:
        _SLOT.pack_into(self._table, self._place * _SLOT.size, os.getpid(), self._count)


class Server(asyncio.AbstractServer):
    """Accepts its part of what waits; looks away for a moment while a neighbour has fewer.

    One a turn of the loop would keep the last of 128 that come together waiting for 64 turns.
    """

    def __init__(
        self, loop: "Loop", listener: socket.socket, protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._protocol = protocol
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_open = True
        self._loop.add_reader(listener, self._come)

    def close(self) -> None:
        """Accept nothing more."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    async def start_serving(self) -> None:
        """It has begun."""

    async def serve_forever(self) -> None:
        """Whoever runs the loop does."""

    def is_serving(self) -> bool:
        return self._is_open

    def get_loop(self) -> "Loop":
        return self._loop

    def _come(self) -> None:
        if self._loop.share.is_above():
            self._pause(_AWAY_SECONDS)
            return
        for _ in range(self._loop.share.part(_waiting(self._listener))):
            if not self._accept():
                return

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._return)

    def _return(self) -> None:
        """Take what the neighbour has left: it may be stuck."""
        if self._is_open:
            self._loop.add_reader(self._listener, self._come)
            self._accept()

    def _accept(self) -> bool:
        """Whether there was a connection to take."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # A neighbour took it, or the client left.
        except OSError:  # No more files can be opened.
            self._pause(_FULL_SECONDS)
            return False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.share.change(1)
        task = self._loop.create_task(self._open(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            self._loop.share.change(-1)


class Loop(uvloop.Loop):
    """uvloop's, whose servers share connections out; of workers that share a folder."""

    share: Share

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], *, sock: socket.socket, **more: Any
    ) -> Server:
        """Listen on `sock`, which other workers listen on as well."""
        self.share = Share(Path(os.environ[FOLDER]))
        sock.listen(more.get("backlog") or 2048)
        sock.setblocking(False)
        return Server(self, sock, protocol_factory)


def _waiting(listener: socket.socket) -> int:
    """The connections that nobody has accepted yet, where the system tells."""
    if sys.platform != "linux":
        return 1
    # Of a socket that listens, tcpi_unacked in tcp(7)'s TCP_INFO, after eight bytes and four words.
    (waiting,) = struct.unpack_from(
        "=24xI", listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
    )
    return int(waiting)


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False
