"""`convlens serve` as processes: a worker that is killed, and an end in good order, under load."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LESSON = {"input": [[1, 2], [3, 4]], "kernel": [[1]]}


def ask(port: int, path: str, body: object = None) -> tuple[int, bytes]:
    """Status and body of the answer, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            kind = {"content-type": "application/json"}
            connection.request("POST", path, json.dumps(body), kind)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Load:
    """Threads that ask without pause, each time on a new connection, and keep what went wrong."""

    def __init__(self, port: int, threads: int = 4) -> None:
        self.port = port
        self.right = 0
        self.wrong: list[str] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        asked = 0
        while not self._is_over.is_set():
            asked += 1
            body = {**LESSON, "bias": number * 1_000_000 + asked}
            try:
                status, answer = ask(self.port, "/lessons/convolution", body)
            except (OSError, http.client.HTTPException) as problem:
                self.wrong.append(repr(problem))
                continue
            if status == 200 and json.loads(answer)["steps"][0]["bias"] == body["bias"]:
                self.right += 1
            else:
                self.wrong.append(f"{status} {answer[:200]!r}")

    def answered(self, more: int) -> None:
        """Wait until `more` further requests were answered."""
        goal = self.right + more
        while self.right < goal and len(self.wrong) < 50:
            time.sleep(0.01)

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


def workers(parent: int) -> set[int]:
    """The processes of the parent that serve: multiprocessing's own tracker is none."""
    found = set()
    for line in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        command = Path(f"/proc/{line}/cmdline").read_bytes()
        if b"spawn_main" in command:
            found.add(int(line))
    return found


def ready(port: int) -> bool:
    try:
        return ask(port, "/readyz")[0] == 200
    except OSError:
        return False


def until(condition: object, seconds: float = 120) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_worker_is_replaced_and_an_end_loses_no_request(tiny_models: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--workers", "2", "--port", str(port), "--models", str(tiny_models)]
    options += ["--default-model", "tiny-digit", "--drain-seconds", "8", "--log", "json"]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "convlens", "serve", *options], cwd=ROOT, stdout=log, stderr=log
    )
    try:
        until(lambda: ready(port))
        load = Load(port)
        _kill_one(process.pid, load)
        _end(process, port, load)
    except BaseException:
        print((tmp_path / "log").read_text()[-5000:])
        raise
    finally:
        log.close()
        process.kill()
        process.wait()


def _kill_one(parent: int, load: Load) -> None:
    before = workers(parent)
    assert len(before) == 2
    load.answered(50)
    assert load.wrong == []
    os.kill(min(before), signal.SIGKILL)
    load.answered(50)
    # Only what was being answered by the one that was killed.
    assert len(load.wrong) <= 4, load.wrong
    load.wrong.clear()
    until(lambda: len(workers(parent)) == 2 and min(before) not in workers(parent))
    load.answered(50)
    assert load.wrong == []


def _end(process: "subprocess.Popen[bytes]", port: int, load: Load) -> None:
    process.terminate()
    until(lambda: not ready(port))
    load.answered(20)
    load.stop()
    assert load.wrong == []
    assert process.wait(30) == 0
    with pytest.raises(OSError, match="refused"):
        ask(port, "/livez")
