"""Where the time of one `POST /predict` goes: `python -m benchmarks.budget` prints µs by stage.

Everything runs in this process, one request after the other, with no network: whole HTTP requests
are fed to the service's own connection, and each stage is repeated alone beside that. The figures
are medians of the processor time of one thread; batches would share out the queue's part.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import typer
import uvicorn
from uvicorn.server import ServerState

from benchmarks import machine, requests
from benchmarks.peers import Ask
from service import inputs, tokens, uploads
from service.app import create_app
from service.models import Model
from service.settings import Settings
from service.wire import Connection

ROUNDS = 15


class Wire(asyncio.Transport):
    """The other end of a connection: keeps what is written, and says when an answer is whole."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.answered = asyncio.Event()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written = bytes(data)
        self.answered.set()

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """Nothing comes by itself."""


def main(
    data: Annotated[
        Path | None, typer.Option(help="Folder with mnist.npz; drawn digits without it.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model.")] = "mnist-lecture",
) -> None:
    """Print the table."""
    digits = requests.digits(data, 200)
    raw = {
        body: [one.raw for one in requests.build(digits, Ask(path="/predict", body=body), 1)]
        for body in ("multipart", "raw")
    }
    for line in machine.describe():
        print(f"- {line}")
    with asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(_measure(raw, model))


def _loop() -> Callable[[], asyncio.AbstractEventLoop]:
    factory = uvicorn.Config("", loop="uvloop").get_loop_factory()
    assert factory is not None
    return factory


async def _measure(raw: dict[str, list[bytes]], name: str) -> None:
    app = create_app(Settings(default_model=name))
    async with app.router.lifespan_context(app) as state:
        model: Model = app.state.models.get()
        bodies = [one.partition(b"\r\n\r\n")[2] for one in raw["multipart"]]
        boundary = bodies[0].partition(b"\r\n")[0][2:]
        files = [uploads.parse(body, boundary, 1)[0].data for body in bodies]
        prepared = [inputs.read_plain(file, model.manifest) for file in files]
        pixels = [one.pixels for one in prepared if one is not None]
        rows = [model.network.classify(one[np.newaxis])[0].tolist() for one in pixels]
        alone: dict[str, float] = {
            "form": _each(lambda body: uploads.parse(body, boundary, 1), bodies),
            "decode and prepare": _each(lambda f: inputs.read_plain(f, model.manifest), files),
            "model": _each(lambda one: model.network.classify(one[np.newaxis]), pixels),
            "token": _each(tokens.encode, pixels),
            "JSON": _each(orjson.dumps, rows),
        }
        whole = {body: await _whole(app, dict(state or {}), raw[body]) for body in raw}
    print("\n| stage | µs |\n|---|---:|")
    for stage, taken in alone.items():
        print(f"| {stage} | {taken:.1f} |")
    rest = whole["multipart"] - sum(alone.values())
    print(f"| HTTP, entrance, queue, event loop | {rest:.1f} |")
    print(f"| **one request, multipart** | **{whole['multipart']:.1f}** |")
    print(f"| one request, raw body | {whole['raw']:.1f} |")


def _each(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Microseconds for one of `items`."""
    taken = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for item in items:
            work(item)
        taken.append(time.thread_time() - began)
    return 1e6 * statistics.median(taken) / len(items)


async def _whole(app: Any, state: dict[str, Any], raw: Sequence[bytes]) -> float:
    """Microseconds from the bytes of a request to those of its answer."""
    config = uvicorn.Config(app, http=Connection, access_log=False, log_config=None)
    config.load()
    connection = Connection(config, ServerState(), state)
    wire = Wire()
    connection.connection_made(wire)
    taken = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for one in raw:
            wire.answered.clear()
            connection.data_received(one)
            await wire.answered.wait()
        taken.append(time.thread_time() - began)
        assert wire.written.startswith(b"HTTP/1.1 200"), wire.written
    connection.connection_lost(None)
    return 1e6 * statistics.median(taken) / len(raw)


if __name__ == "__main__":
    typer.run(main)
