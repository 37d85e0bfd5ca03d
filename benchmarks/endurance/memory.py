"""`python -m benchmarks.endurance.memory`: memory of the service, from its start to Grad-CAM.

All models are served. Memory is the proportional set size (PSS) of all processes, in MB of 10⁶
bytes. The start-up time is printed beside that of TensorFlow with one model.
"""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from benchmarks import machine, synthetic_photos
from benchmarks.endurance import open_loop
from benchmarks.endurance.open_loop import percentile
from benchmarks.harness import http_requests, peers, request_bodies, running_server
from benchmarks.harness.running_server import Server
from benchmarks.servers import bare_model
from service.settings import Settings

READY = http_requests.http_get("/readyz")
GRAD_CAM = http_requests.http_get("/grad-cam?format=json")
LARGE = (8_000, 6_250)
"""Width and height of the largest image that the service accepts."""


def main(
    workers: Annotated[int, typer.Option(min=1, help="Workers.")] = 2,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds of traffic.")] = 5,
) -> None:
    """Prints the memory after each step."""
    print("\n".join(f"- {line}" for line in machine.describe()))
    print(f"- {workers} workers\n")
    model = Path("models/mnist-lecture/1")
    took = bare_model.measure(model, http_requests.digits(None, 1), threads=1, speed=False).seconds
    peer = peers.read("convlens")
    with running_server.running(peer, Path(sys.executable), model, workers, READY) as server:
        print(f"start to the first answer: {server.seconds:.1f} s")
        print(f"the same for TensorFlow with one model: {took:.1f} s\n")
        print("| after | PSS MB |\n| --- | ---: |")
        _print_memory(server, "the start")
        digits = http_requests.digits(None, 1)
        digit = _post(request_bodies.png(digits[0]))
        open_loop.run(server.port, digit, 64, seconds)
        _print_memory(server, f"{seconds} s of digits over 64 connections")
        photograph = synthetic_photos.photograph(digits[0], np.random.default_rng(1)).jpeg
        open_loop.run(server.port, _post(photograph), 4 * workers, seconds)
        _print_memory(server, f"{seconds} s of photographs over {4 * workers}")
        most = _highest_memory(server, 4 * workers)
        print(f"| highest while images of {LARGE[0]}×{LARGE[1]} are decoded | {most:,.0f} |")
        _print_memory(server, "that")
        slowest = _load_tensorflow(server, digit, 4 * workers)
        _print_memory(server, "Grad-CAM of one model in every worker")
        for name in _models(server):
            _at_once(
                server, http_requests.http_get(f"/grad-cam?format=json&model={name}"), 4 * workers
            )
        _print_memory(server, "Grad-CAM of every model in every worker")
        print(f"\np99 of predictions while TensorFlow was being loaded: {slowest:.0f} ms")


def _print_memory(server: Server, after: str) -> None:
    server.wait_until_idle()
    print(f"| {after} | {server.memory():,.0f} |", flush=True)


def _post(body: bytes) -> bytes:
    return http_requests.http_post("/predict", body, {})


def _models(server: Server) -> list[str]:
    _, body = http_requests.send(server.port, http_requests.http_get("/models"), 30)
    return [one["name"] for one in json.loads(body)["models"]]


def _at_once(server: Server, request: bytes, count: int) -> list[Future[tuple[int, bytes]]]:
    """Sends `request` over `count` connections at once, enough to reach every worker."""
    with ThreadPoolExecutor(count) as pool:
        return [pool.submit(http_requests.send, server.port, request, 60) for _ in range(count)]


def _highest_memory(server: Server, count: int) -> float:
    """The highest memory in MB while `count` of the largest images are decoded at once."""
    assert LARGE[0] * LARGE[1] <= Settings().max_image_pixels
    file = io.BytesIO()
    Image.new("RGB", LARGE, "white").save(file, "PNG")
    request, figures = _post(file.getvalue()), [0.0]
    with _meanwhile(lambda: figures.append(server.memory())):
        _at_once(server, request, count)
    return max(figures)


def _load_tensorflow(server: Server, digit: bytes, count: int) -> float:
    """The p99 of predictions in ms while every worker loads TensorFlow."""
    seconds: list[float] = []
    with _meanwhile(lambda: seconds.extend(open_loop.run(server.port, digit, 4, 0.5).answers)):
        _at_once(server, GRAD_CAM, count)
    return percentile(seconds, 99)


@contextmanager
def _meanwhile(step: Callable[[], object]) -> Iterator[None]:
    """Repeats `step` on another thread during the block."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            step()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work)
        yield
        over.set()


if __name__ == "__main__":
    typer.run(main)
