"""`python -m benchmarks.servers.request_budget`: CPU time of one `POST /predict`, by stage.

Everything runs in this process without a network, one request after the other: whole HTTP requests
are passed to the service's connection protocol, and each stage is also run by itself. The figures
are medians of the CPU time of one thread. Under load the model's batches share the queue's part.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import numpy as np
import orjson
import typer

from benchmarks import cpu_time, machine
from benchmarks.harness import http_requests
from benchmarks.harness.peers import Endpoint
from service.app import create_app
from service.images import multipart, reader, tokens
from service.images.decode import Limits
from service.models.model import Model
from service.settings import Settings


def main(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with mnist.npz; by default the sample images are sent."),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model.")] = "mnist-lecture",
) -> None:
    """Prints the table."""
    digits = http_requests.digits(data, 200)
    raw = {
        body: [
            one.raw for one in http_requests.build(digits, Endpoint(path="/predict", body=body), 1)
        ]
        for body in ("multipart", "raw")
    }
    for line in machine.describe():
        print(f"- {line}")
    with asyncio.Runner(loop_factory=cpu_time.uvloop_factory()) as runner:
        runner.run(_measure(raw, model))


async def _measure(raw: dict[str, list[bytes]], name: str) -> None:
    app = create_app(Settings(default_model=name))
    async with app.router.lifespan_context(app) as state:
        model: Model = app.state.models.get()
        bodies = [one.partition(b"\r\n\r\n")[2] for one in raw["multipart"]]
        boundary = bodies[0].partition(b"\r\n")[0][2:]
        files = [multipart.parse(body, boundary, 1)[0].data for body in bodies]
        prepared = [reader.read_trained_png(file, model.manifest, Limits()) for file in files]
        pixels = [one.pixels for one in prepared if one is not None]
        rows = [model.network.classify(one[np.newaxis])[0].tolist() for one in pixels]
        stages: dict[str, float] = {
            "form": cpu_time.per_item(lambda body: multipart.parse(body, boundary, 1), bodies),
            "decode and prepare": cpu_time.per_item(
                lambda f: reader.read_trained_png(f, model.manifest, Limits()), files
            ),
            "model": cpu_time.per_item(lambda one: model.network.classify(one[np.newaxis]), pixels),
            "token": cpu_time.per_item(tokens.encode, pixels),
            "JSON": cpu_time.per_item(orjson.dumps, rows),
        }
        whole = {
            body: await cpu_time.per_request(app, dict(state or {}), raw[body]) for body in raw
        }
    print("\n| stage | µs |\n|---|---:|")
    for stage, taken in stages.items():
        print(f"| {stage} | {taken:.1f} |")
    rest = whole["multipart"] - sum(stages.values())
    print(f"| HTTP, middleware, queue, event loop | {rest:.1f} |")
    print(f"| **one request, multipart** | **{whole['multipart']:.1f}** |")
    print(f"| one request, raw body | {whole['raw']:.1f} |")


if __name__ == "__main__":
    typer.run(main)
