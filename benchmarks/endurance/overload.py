"""`python -m benchmarks.endurance.overload`: three times as much load as the service can answer.

The service has one half of the cores, the load the other. First the peak is looked for: answers a
second, each connection sending when it has its answer. Then requests come at three times that
rate, whether or not earlier ones were answered, and the promises are judged, one a line. The peak
is taken before and after that, since machines grow faster and slower by themselves.
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
from benchmarks.endurance.open_loop import Storm, percentile
from benchmarks.harness import http_requests, peers, request_bodies, running_server
from benchmarks.harness.running_server import Server

CONNECTIONS = (4, 8, 16, 32, 64)
STORM_CONNECTIONS = 512
TIMES = 3


def main(
    seconds: Annotated[int, typer.Option(min=3, help="Seconds of overload.")] = 60,
    search: Annotated[int, typer.Option(min=1, help="Seconds for each try of the peak.")] = 4,
    model: Annotated[Path, typer.Option(help="Model folder.")] = Path("models/mnist-lecture/1"),
    image: Annotated[
        Path | None, typer.Option(help="Image file to send; a drawn photograph without it.")
    ] = None,
    digit: Annotated[bool, typer.Option(help="Send a digit of 28×28, which costs least.")] = False,
) -> None:
    """Print the figures and the verdicts; end with 1 where one fails."""
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
        tries = {one: load(one, search) for one in CONNECTIONS}
        best = max(tries, key=lambda one: tries[one].goodput)
        before = load(best, seconds / 4)
        memory = _Memory(server)
        over = load(STORM_CONNECTIONS, seconds, TIMES * before.goodput)
        memory.stop()
        after = load(best, seconds / 4)
    print("\n".join(f"- {line}" for line in about))
    print(f"- {half} workers on as many cores, the load on {len(loading)}")
    print(f"- requests of {len(request):,} bytes\n")
    rows = [(f"{count} connections", one) for count, one in tries.items()]
    rows += [
        (f"{best} connections, before", before),
        (f"{TIMES} × the peak, {STORM_CONNECTIONS} connections", over),
        (f"{best} connections, after", after),
    ]
    print(_table(rows))
    return _verdicts(before + after, over, memory.figures)


def _photograph() -> bytes:
    """A JPEG of 1600×1200 with a digit on it and the noise of a sensor: what a phone sends."""
    random = np.random.default_rng(1)
    light = random.normal(200, 6, (1200, 1600))
    ink = np.kron(http_requests.digits(None, 1)[0], np.ones((30, 30)))  # (840, 840)
    light[180:1020, 380:1220] -= ink * 0.7
    file = io.BytesIO()
    Image.fromarray(light.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


class _Memory(threading.Thread):
    """Resident memory of all processes of the server, in MB, again and again until stopped."""

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


def _table(rows: Sequence[tuple[str, Storm]]) -> str:
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


def _verdicts(peak: Storm, over: Storm, memory: Sequence[float]) -> bool:
    third = max(1, len(memory) // 3)
    start, end = mean(memory[:third]), mean(memory[-third:])
    share, slower = (
        over.goodput / peak.goodput,
        percentile(over.answers, 99) / percentile(peak.answers, 99),
    )
    refused, late = percentile(over.refusals, 99), percentile(over.late, 99)
    verdicts = [
        (late < 5, f"the load keeps its times: p99 of lateness is {late:.1f} ms (under 5)"),
        (share >= 0.9, f"goodput is {share:.0%} of the peak (at least 90 %)"),
        (slower < 2, f"p99 of answers is {slower:.2f} × that at the peak (under 2)"),
        (refused < 50, f"p99 of refusals is {refused:.1f} ms (under 50)"),
        (end < 1.02 * start, f"memory goes from {start:.0f} to {end:.0f} MB (flat within 2 %)"),
        (over.failed == 0, f"{over.failed} requests fail in another way (none)"),
    ]
    for good, sentence in verdicts:
        print(f"{'holds' if good else 'FAILS'}: {sentence}")
    return all(good for good, _ in verdicts)


if __name__ == "__main__":
    typer.run(main)
