"""Starts a peer on a free loopback port; measures the memory and CPU time of its processes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.harness import http_requests
from benchmarks.harness.peers import Peer

TAG = "CONVLENS_BENCHMARK"
"""Environment variable by which all processes of a server are found, daemons included."""
START_TIMEOUT_S = 90.0


class NotStarted(Exception):
    """A server did not answer in time, or exited."""


@dataclass(slots=True)
class Server:
    """A running server; `seconds` is the time from its start to its first 200."""

    port: int
    process: subprocess.Popen[bytes]
    tag: str
    seconds: float = 0.0

    def processes(self) -> list[psutil.Process]:
        """All processes of the server: its children, and those that inherited its TAG."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid == self.process.pid or process.environ().get(TAG) == self.tag:
                    for one in (process, *process.children(recursive=True)):
                        found[one.pid] = one
        return list(found.values())

    def memory(self) -> float:
        """The proportional set size (PSS) of all its processes, in MB of 10⁶ bytes."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total / 1e6

    def wait_until_idle(self, timeout: float = 30.0) -> None:
        """Waits until its processes use little CPU: workers may still load after a first answer."""
        until = time.monotonic() + timeout
        before = self.cpu_seconds()
        while time.monotonic() < until:
            time.sleep(0.5)
            now = self.cpu_seconds()
            if now - before < 0.05:
                return
            before = now

    def cpu_seconds(self) -> float:
        """User and system time of all its processes since their start, in seconds."""
        seconds = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                seconds += times.user + times.system
        return seconds


@contextmanager
def running(peer: Peer, python: Path, model: Path, workers: int, first: bytes) -> Iterator[Server]:
    """Starts `peer`, waits until it answers the request `first` with 200 and is idle; stops it.

    Raises NotStarted with the last line of the server's log.
    """
    log = Path(tempfile.gettempdir()) / f"convlens-benchmark-{peer.name}.log"
    with exit_on_sigterm():
        server = _start(peer, python, model, workers, log)
        try:
            server.seconds = _wait(server, first, log)
            server.wait_until_idle()
            yield server
        finally:
            _stop(server)


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Turns SIGTERM into SystemExit, so that `finally` blocks stop what was started."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _start(peer: Peer, python: Path, model: Path, workers: int, log: Path) -> Server:
    port, tag = free_port(), uuid.uuid4().hex
    fields = {
        "python": str(python),
        "bin": str(python.parent),
        "port": str(port),
        "grpc": str(free_port()),
        "metrics": str(free_port()),
        "workers": str(workers),
        "libpython": sysconfig.get_config_var("LIBDIR"),
        "model": str(model.resolve()),
    }
    environment = {
        **os.environ,
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(peer.folder.parent),
        "MODEL": fields["model"],
        "PORT": fields["port"],
        "WORKERS": fields["workers"],
        "TF_CPP_MIN_LOG_LEVEL": "3",
        TAG: tag,
        **{name: value.format(**fields) for name, value in peer.environment.items()},
    }
    command = [part.format(**fields) for part in peer.command]
    folder = peer.folder if (peer.folder / "requirements.txt").exists() else Path.cwd()
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(port, process, tag)


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(server: Server, first: bytes, log: Path) -> float:
    began = time.monotonic()
    last = "no connection"
    while (waited := time.monotonic() - began) < START_TIMEOUT_S:
        if server.process.poll() is not None:
            raise NotStarted(f"it ended with status {server.process.returncode}: {_last(log)}")
        with contextlib.suppress(OSError, ValueError):
            status, body = http_requests.send(server.port, first, START_TIMEOUT_S - waited)
            if status == 200:
                return time.monotonic() - began
            last = f"{status} {body[:200]!r}"
        time.sleep(0.02)
    raise NotStarted(f"no answer in {START_TIMEOUT_S:.0f} s, but {last}: {_last(log)}")


def _last(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "it logged nothing"


def _stop(server: Server) -> None:
    processes = server.processes()
    server.process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(10)
    _, alive = psutil.wait_procs(processes, timeout=2)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    server.process.wait()
