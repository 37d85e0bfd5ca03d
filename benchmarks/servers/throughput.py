"""`python -m benchmarks.servers.throughput --data DIR`: images a second of every shipped model.

Compares the service, with 64 images a request, with the bare model: the SavedModel's signature in a
process of its own, with 64 images a call, on as many threads as the service has workers.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks import machine, markdown
from benchmarks.harness import http_requests, peers, running_server, wrk
from benchmarks.harness.peers import Endpoint
from benchmarks.harness.request_bodies import Pixels
from benchmarks.options import Page, Rounds, Seconds
from benchmarks.servers import bare_model
from benchmarks.servers.rounds import MANY
from service.manifest import Manifest
from service.models.folder import find

IMAGES = 256
CONNECTIONS = 8
BODIES = {"multipart": "PNGs", "npy": "an array"}

console = Console(stderr=True)

Rates = dict[str, list[float]]


def main(
    data: Annotated[Path, typer.Option(help="Folder with mnist.npz and cifar10.npz.")],
    models: Annotated[Path, typer.Option(help="Folder of models.")] = Path("models"),
    rounds: Rounds = 3,
    seconds: Seconds = 3,
    output: Page = None,
) -> None:
    """Measures the models in turn and prints the table."""
    wrk.require()
    about = machine.describe()
    found = {folder: Manifest.read(folder) for folder in find(models)}
    rates: dict[str, Rates] = {manifest.name: {} for manifest in found.values()}
    for turn in range(rounds):
        for folder, manifest in found.items():
            console.print(f"round {turn + 1} of {rounds}: {manifest.name}")
            for how, rate in _measure(folder, manifest, data, seconds).items():
                rates[manifest.name].setdefault(how, []).append(rate)
    workers = len(os.sched_getaffinity(0))
    about.append(
        f"{rounds} rounds of {seconds:g} s a figure; {MANY} images a request, {CONNECTIONS}"
        f" connections, {workers} workers, {workers} threads for the bare model; medians"
    )
    page = "# Images a second\n\n" + "".join(f"- {line}\n" for line in about) + "\n" + _table(rates)
    if output is not None:
        output.write_text(page + "\n")
    print(page)


def _measure(folder: Path, manifest: Manifest, data: Path, seconds: float) -> dict[str, float]:
    """Images a second: of the service by kind of body, and of the bare model."""
    pixels = _images(manifest, data)
    workers = len(os.sched_getaffinity(0))
    rates = {"bare": bare_model.measure(folder, pixels, threads=workers).rates[MANY]}
    peer = peers.read("convlens").model_copy(
        update={"environment": {"CONVLENS_DEFAULT_MODEL": manifest.name}}
    )
    path = f"/predict?model={manifest.name}&version={manifest.version}"
    asked = {body: Endpoint(path=path, body=body) for body in BODIES}
    first = http_requests.build(pixels[:1], asked["npy"], 1)[0].raw
    with running_server.running(peer, Path(sys.executable), folder, workers, first) as server:
        for body, endpoint in asked.items():
            raw = [one.raw for one in http_requests.build(pixels, endpoint, MANY)]
            wrk.run(server.port, raw, CONNECTIONS, 1)
            rates[body] = MANY * wrk.run(server.port, raw, CONNECTIONS, seconds).rate
    return rates


def _images(manifest: Manifest, data: Path) -> Pixels:
    """Test images of the model's data set, uint8 (n, h, w) or (n, h, w, 3)."""
    with np.load(data / f"{manifest.recipe['data']}.npz") as arrays:
        images: Pixels = arrays["x_test"][:IMAGES].copy()
    return images


def _table(rates: dict[str, Rates]) -> str:
    rows = []
    for name, measured in rates.items():
        middle = {how: median(values) for how, values in measured.items()}
        served = [middle[body] for body in BODIES]
        shares = [f"{rate / middle['bare']:.0%}" for rate in served]
        rows.append([name, f"{middle['bare']:,.0f}"])
        for rate, share in zip(served, shares, strict=True):
            rows[-1] += [f"{rate:,.0f}", share]
    head: Sequence[str] = ["model", "bare"]
    for words in BODIES.values():
        head = [*head, f"as {words}", "of bare"]
    return markdown.table(head, rows)


if __name__ == "__main__":
    typer.run(main)
