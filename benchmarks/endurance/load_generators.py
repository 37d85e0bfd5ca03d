"""`python -m benchmarks.endurance.load_generators`: `open_loop` beside h2load and autocannon.

First table: the most requests a second that one core sends. Second table: the latencies that each
reports at 1,000 requests a second for 8 s, of which a server that answers at once is stopped for
one second. An eighth of the requests is due in that second and waits for its end, so that the true
p97.5 is 800 ms and the true p99 is 920 ms.

    apt-get install nghttp2-client; npm install --global autocannon
"""

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, cast

import numpy as np
import typer
import uvloop

from benchmarks import machine, markdown
from benchmarks.endurance import open_loop
from benchmarks.harness import http_requests

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STALL_S = 1.0
SECONDS = 8
RATE = 1_000
CONNECTIONS = (64, 2_000)
MOST = 60_000
"""Requests a second asked for in the first table: more than any of them sends from one core."""


class Reported(NamedTuple):
    """What a load generator reports: good answers a second, latencies in ms, requests not sent."""

    rate: float
    p975: float
    p99: float
    not_sent: int = 0


def main() -> None:
    """Prints both tables for the load generators that are installed."""
    print("\n".join(f"- {line}" for line in machine.describe()) + "\n")
    cores = sorted(os.sched_getaffinity(0))
    generators = {
        name: one for name, one in GENERATORS.items() if one is ours or shutil.which(name)
    }
    with _server(cores[0]) as (pid, port):
        os.sched_setaffinity(0, cores[1:] or cores)
        fastest = {name: one(port, MOST, 512, 4) for name, one in generators.items()}
        print(markdown.table(["", "sent/s"], [[n, f"{r.rate:,.0f}"] for n, r in fastest.items()]))
        rows = []
        for name, generator in generators.items():
            for connections in CONNECTIONS:
                stall = threading.Timer(SECONDS / 2, _stall, [pid])
                stall.start()
                found = generator(port, RATE, connections, SECONDS)
                stall.join()
                times = (f"{found.p975:,.0f}", f"{found.p99:,.0f}")
                rows.append([name, f"{connections:,}", f"{found.rate:,.0f}", *times])
                rows[-1].append(f"{found.not_sent:,}")
        head = ["", "connections", "answers/s", "p97.5 ms", "p99 ms", "not sent"]
        print("\n" + markdown.table(head, [["true", "", f"{RATE:,}", "800", "920", "0"], *rows]))


def ours(port: int, rate: float, connections: int, seconds: int) -> Reported:
    """`open_loop.run`."""
    found = open_loop.run(port, http_requests.http_get("/"), connections, seconds, rate)
    p975, p99 = (open_loop.percentile(found.answers, share) for share in (97.5, 99))
    return Reported(found.goodput, p975, p99, found.failed)


def h2load(port: int, rate: float, connections: int, seconds: int) -> Reported:
    """h2load of nghttp2, HTTP/1.1; its log has a line a request: start, status, µs."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        paced = [f"--rps={rate / connections}", f"--log-file={log}", "-D", str(seconds)]
        command = ["h2load", "--h1", "-t1", f"-c{connections}", *paced, f"http://127.0.0.1:{port}/"]
        subprocess.run(command, check=True, capture_output=True)
        lines = np.loadtxt(log, np.int64, ndmin=2)
    times = lines[lines[:, 1] == 200, 2] / 1000
    p975, p99 = np.percentile(times, [97.5, 99])
    return Reported(len(times) / seconds, float(p975), float(p99))


def autocannon(port: int, rate: float, connections: int, seconds: int) -> Reported:
    """autocannon, which corrects its latencies for coordinated omission."""
    paced = ["--overallRate", str(int(rate)), "--connections", str(connections)]
    command = ["autocannon", *paced, "--duration", str(seconds), "--json"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    latency = found["latency"]
    return Reported(found["2xx"] / seconds, latency["p97_5"], latency["p99"])


GENERATORS: dict[str, Callable[[int, float, int, int], Reported]] = {
    "open_loop": ours,
    "h2load": h2load,
    "autocannon": autocannon,
}


class _Answering(asyncio.Protocol):
    """Answers every request that arrives, which must fit into one read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)


def _serve(listener: socket.socket, core: int) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Answering, sock=listener, backlog=4096)
        await server.serve_forever()

    os.sched_setaffinity(0, [core])
    uvloop.run(serve())


@contextmanager
def _server(core: int) -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(listener, core), daemon=True
        )
        process.start()
        try:
            assert process.pid is not None
            yield process.pid, int(listener.getsockname()[1])
        finally:
            process.kill()


def _stall(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    threading.Event().wait(STALL_S)
    os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    typer.run(main)
