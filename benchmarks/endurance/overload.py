"""`python -m benchmarks.endurance.overload`: sends three times what the service can answer.

The service runs on one half of the cores, the load generator on the other. A closed loop finds the
peak, the most answers a second; then an open loop sends requests at three times that rate, and one
line a criterion says whether it holds. The peak is measured before and after the overload, because
the speed of a shared machine changes.
"""

import io
import os
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from benchmarks import machine
from benchmarks.endurance import open_loop
from benchmarks.endurance.open_loop import LoadResult, percentile
from benchmarks.harness import http_requests, peers, request_bodies, running_server
from benchmarks.harness.running_server import Server

CONNECTIONS = (4, 8, 16, 32, 64)
OVERLOAD_CONNECTIONS = 512
OVERLOAD_FACTOR = 3


def main(
    seconds: Annotated[int, typer.Option(min=3, help="Seconds of overload.")] = 60,
    search: Annotated[int, typer.Option(min=1, help="Seconds for each number of connections.")] = 4,
    model: Annotated[Path, typer.Option(help="Model folder.")] = Path("models/mnist-lecture/1"),
    image: Annotated[
        Path | None, typer.Option(help="Image file to send; by default a drawn photograph.")
    ] = None,
    digit: Annotated[bool, typer.Option(help="Send a 28×28 digit, the cheapest request.")] = False,
) -> None:
    """Prints the figures and whether each criterion holds; exits with 1 if one does not."""
    body = _photograph() if image is None else image.read_bytes()
    if digit:
        body = request_bodies.png(http_requests.digits(None, 1)[0])
    request = http_requests.http_post("/predict", body, {})
    sys.exit(0 if _judge(model, request, seconds, search) else 1)


def _judge(model: Path, request: bytes, seconds: int, search: int) -> bool:
    about = machine.describe()
    cores = sorted(os.sched_getaffinity(0))
    half = max(1, len(cores) // 2)
    serving, loading = cores[:half], cores[half:] or cores
    peer = peers.read("convlens")
    bound = ["taskset", "-c", ",".join(map(str, serving))]
    peer = peer.model_copy(update={"command": (*bound, *peer.command)})
    first = http_requests.http_get("/readyz")
    with running_server.running(peer, Path(sys.executable), model, half, first) as server:
        os.sched_setaffinity(0, loading)
        load = partial(open_loop.run, server.port, request)
        load(16, 2)
        searched = {one: load(one, search) for one in CONNECTIONS}
        peak_connections = max(searched, key=lambda one: searched[one].goodput)
        before = load(peak_connections, seconds / 4)
        memory = _MemorySampler(server)
        over = load(OVERLOAD_CONNECTIONS, seconds, OVERLOAD_FACTOR * before.goodput)
        memory.stop()
        after = load(peak_connections, seconds / 4)
    print("\n".join(f"- {line}" for line in about))
    print(f"- {half} workers on as many cores, the load generator on {len(loading)}")
    print(f"- requests of {len(request):,} bytes\n")
    rows = [(f"{count} connections", one) for count, one in searched.items()]
    rows += [
        (f"{peak_connections} connections, before", before),
        (f"{OVERLOAD_FACTOR} × the peak, {OVERLOAD_CONNECTIONS} connections", over),
        (f"{peak_connections} connections, after", after),
    ]
    print(_table(rows))
    return _verdicts(before + after, over, memory.figures)


def _photograph() -> bytes:
    """A JPEG of 1600×1200 pixels with a digit and sensor noise, as a phone sends it."""
    random = np.random.default_rng(1)
    light = random.normal(200, 6, (1200, 1600))
    ink = np.kron(http_requests.digits(None, 1)[0], np.ones((30, 30)))  # (840, 840)
    light[180:1020, 380:1220] -= ink * 0.7
    file = io.BytesIO()
    Image.fromarray(light.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


class _MemorySampler(threading.Thread):
    """Samples the resident memory of all processes of the server, in MB, once a second."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.figures: list[float] = []
        self._processes = server.processes()
        self._is_over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._is_over.wait(1):
            self.figures.append(sum(one.memory_info().rss for one in self._processes) / 1e6)

    def stop(self) -> None:
        self._is_over.set()
        self.join()


def _table(rows: Sequence[tuple[str, LoadResult]]) -> str:
    lines = [
        "| load | sent/s | answers/s | p50 ms | p99 ms | refused p99 ms | failed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in rows:
        refused = f"{percentile(one.refusals, 99):.1f}" if len(one.refusals) else "–"
        times = f"{percentile(one.answers, 50):.1f} | {percentile(one.answers, 99):.1f}"
        rates = f"{one.sent:,.0f} | {one.goodput:,.0f}"
        lines.append(f"| {name} | {rates} | {times} | {refused} | {one.failed} |")
    return "\n".join(lines) + "\n"


def _verdicts(peak: LoadResult, over: LoadResult, memory: Sequence[float]) -> bool:
    third = max(1, len(memory) // 3)
    start, end = mean(memory[:third]), mean(memory[-third:])
    share, slowdown = (
        over.goodput / peak.goodput,
        percentile(over.answers, 99) / percentile(peak.answers, 99),
    )
    refused, late = percentile(over.refusals, 99), percentile(over.late, 99)
    verdicts = [
        (late < 5, f"requests are sent on time: p99 of lateness is {late:.1f} ms (under 5)"),
        (share >= 0.9, f"goodput is {share:.0%} of the peak (at least 90 %)"),
        (slowdown < 2, f"p99 of answers is {slowdown:.2f} × that at the peak (under 2)"),
        (refused < 50, f"p99 of refusals is {refused:.1f} ms (under 50)"),
        (end < 1.02 * start, f"memory goes from {start:.0f} to {end:.0f} MB (flat within 2 %)"),
        (over.failed == 0, f"{over.failed} requests fail otherwise (none)"),
    ]
    for good, sentence in verdicts:
        print(f"{'holds' if good else 'FAILS'}: {sentence}")
    return all(good for good, _ in verdicts)


if __name__ == "__main__":
    typer.run(main)
