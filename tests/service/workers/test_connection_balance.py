"""Workers that listen on one socket get about as many connections each."""

import asyncio
import errno
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from service.workers import connection_balance
from service.workers.connection_balance import BalancedLoop, BalancedServer, ConnectionTable


class Worker:
    """An event loop in a thread that sends its name on every connection."""

    def __init__(self, name: bytes, listener: socket.socket) -> None:
        self.loop = BalancedLoop()
        self._name = name
        self._listener = listener
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        worker = self

        class Protocol(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                cast(asyncio.Transport, transport).write(worker._name)

            def connection_lost(self, problem: Exception | None) -> None:
                worker.loop.table.add(-1)

        async def serve() -> None:
            self._server = await self.loop.create_server(Protocol, sock=self._listener)
            self._ready.set()

        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self._listener.close()


def test_connections_do_not_pile_up_on_one_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(connection_balance.FOLDER, str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        workers = [Worker(name, listener.dup()) for name in (b"a", b"b")]
        connections = [socket.create_connection(listener.getsockname(), 10) for _ in range(40)]
        try:
            answered = Counter(connection.recv(1) for connection in connections)
            assert sum(answered.values()) == 40
            # Equally, unless the system held up one worker for longer than the other waited.
            assert min(answered[b"a"], answered[b"b"]) >= 10
        finally:
            for connection in connections:
                connection.close()
            for worker in workers:
                worker.stop()


def test_other_workers_counts_are_seen_and_rows_of_ended_ones_reused(tmp_path: Path) -> None:
    one, other = ConnectionTable(tmp_path), ConnectionTable(tmp_path)
    assert not one.has_more_than_another()
    one.add(2)
    assert one.has_more_than_another()
    assert not other.has_more_than_another()
    other.add(2)
    assert not one.has_more_than_another()
    code = """if True:
        import sys, pathlib
        from service.workers.connection_balance import ConnectionTable
        ConnectionTable(pathlib.Path(sys.argv[1])).add(1)
    """
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert one.has_more_than_another()
    third = ConnectionTable(tmp_path)
    third.add(5)
    assert not one.has_more_than_another()
    assert [pid for pid, _ in one._rows() if pid] == [os.getpid()] * 3


def test_worker_accepts_its_fair_share_and_at_most_eight(tmp_path: Path) -> None:
    one, other = ConnectionTable(tmp_path), ConnectionTable(tmp_path)
    assert one.fair_share(0) == 1  # Another worker was faster, or the system does not say.
    assert one.fair_share(10) == 5
    assert one.fair_share(128) == 8
    other.add(4)
    assert one.fair_share(10) == 7
    assert other.fair_share(10) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how many wait")
def test_waiting_connections_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert connection_balance._waiting(listener) == 0
        connections = [socket.create_connection(listener.getsockname(), 10) for _ in range(3)]
        assert connection_balance._waiting(listener) == 3
        listener.accept()[0].close()
        assert connection_balance._waiting(listener) == 2
        for connection in connections:
            connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how many wait")
def test_one_connection_is_tried_while_no_file_can_be_opened(tmp_path: Path) -> None:
    class Full(socket.socket):
        tried = 0

        def accept(self) -> tuple[socket.socket, object]:
            self.tried += 1
            raise OSError(errno.EMFILE, "Too many open files")

    loop = BalancedLoop()
    loop.table = ConnectionTable(tmp_path)
    with Full() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        waiting = [socket.create_connection(listener.getsockname(), 10) for _ in range(3)]
        server = BalancedServer(loop, listener, asyncio.Protocol)
        server._on_readable()
        assert listener.tried == 1
        server.close()
        for connection in waiting:
            connection.close()
    loop.close()
