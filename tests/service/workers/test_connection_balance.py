"""Workers that listen on one socket share its connections out."""

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
from service.workers.connection_balance import Loop, Server, Share


class Worker:
    """A loop in a thread that says its name to whoever connects."""

    def __init__(self, name: bytes, listener: socket.socket) -> None:
        self.loop = Loop()
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
                worker.loop.share.change(-1)

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
            # Shared out fairly, but for a worker that is held up for longer than is waited.
            assert min(answered[b"a"], answered[b"b"]) >= 10
        finally:
            for connection in connections:
                connection.close()
            for worker in workers:
                worker.stop()


def test_neighbours_with_fewer_are_seen_and_the_gone_replaced(tmp_path: Path) -> None:
    one, other = Share(tmp_path), Share(tmp_path)
    assert not one.is_above()
    one.change(2)
    assert one.is_above()
    assert not other.is_above()
    other.change(2)
    assert not one.is_above()
    code = """if True:
        import sys, pathlib
        from service.workers.connection_balance import Share
        Share(pathlib.Path(sys.argv[1])).change(1)
    """
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert one.is_above()
    third = Share(tmp_path)
    third.change(5)
    assert not one.is_above()
    assert [pid for pid, _ in one._slots() if pid] == [os.getpid()] * 3


def test_of_what_waits_a_worker_takes_its_part_and_eight_at_most(tmp_path: Path) -> None:
    one, other = Share(tmp_path), Share(tmp_path)
    assert one.part(0) == 1  # A neighbour was faster, or the system does not tell.
    assert one.part(10) == 5
    assert one.part(128) == 8
    other.change(4)
    assert one.part(10) == 7
    assert other.part(10) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many wait")
def test_what_waits_is_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert connection_balance._waiting(listener) == 0
        connections = [socket.create_connection(listener.getsockname(), 10) for _ in range(3)]
        assert connection_balance._waiting(listener) == 3
        listener.accept()[0].close()
        assert connection_balance._waiting(listener) == 2
        for connection in connections:
            connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many wait")
def test_without_a_file_to_open_only_one_of_those_that_wait_is_tried(tmp_path: Path) -> None:
    class Full(socket.socket):
        tried = 0

        def accept(self) -> tuple[socket.socket, object]:
            self.tried += 1
            raise OSError(errno.EMFILE, "Too many open files")

    loop = Loop()
    loop.share = Share(tmp_path)
    with Full() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        waiting = [socket.create_connection(listener.getsockname(), 10) for _ in range(3)]
        server = Server(loop, listener, asyncio.Protocol)
        server._come()
        assert listener.tried == 1
        server.close()
        for connection in waiting:
            connection.close()
    loop.close()
