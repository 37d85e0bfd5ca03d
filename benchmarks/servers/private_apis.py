"""`python -m benchmarks.servers.private_apis`: what each use of a private API buys, on and off.

A use that can be switched within a process is switched on and off in slices of 0.1 s while wrk
loads one worker, so that other load on the machine affects both alike. A use that belongs to a
connection or to several workers is measured by two services, which wrk loads in turn for a second.
Figures are medians over all pairs of the ratio, without the use to with it, with their quartiles.

    python -m benchmarks.servers.private_apis --only "fast routes" --seconds 20
"""

import asyncio
import gc
import io
import json
import logging
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from benchmarks import cpu_time, machine
from benchmarks.harness import http_requests, peers, running_server, wrk
from benchmarks.harness.peers import Endpoint
from benchmarks.harness.running_server import Server
from convlens import serve
from service.app import create_app
from service.http.admission import Admission
from service.http.connection import Connection
from service.http.fast_routes import FastRoutes
from service.observability.access_log import AccessLog
from service.settings import Settings
from service.workers import gc_freeze, malloc_limits
from service.workers.connection_balance import BalancedLoop

SLICE_SECONDS = 0.1
PREDICT = Endpoint(path="/predict", body="multipart")
CONNECTIONS = (8, 32, 128)
LARGE = (8_000, 6_250)
"""Width and height of the largest image that is accepted."""

Switch = Callable[[bool], object]


class Plain(HttpToolsProtocol):
    """uvicorn's protocol with the count that connection balancing needs, and nothing else."""

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(self.loop, BalancedLoop):
            self.loop.table.add(-1)
        super().connection_lost(exc)


class Wire(cpu_time.FakeTransport):
    """A transport on which a refusal can be written."""

    def can_write_eof(self) -> bool:
        return False


def _attribute(owner: Any, name: str, off: Any) -> Switch:
    """Replaces an attribute by `off`, and puts it back."""
    on = getattr(owner, name)
    return lambda is_on: setattr(owner, name, on if is_on else off)


def _log_one(self: AccessLog, *request: Any) -> None:
    self._lines.append(self._line(*request))
    self.flush()


def without_malloc_limits() -> FastAPI:
    """The application as a worker makes it, with glibc's defaults."""
    malloc_limits.apply = lambda: None
    return create_app()


SWITCHES: dict[str, Switch] = {
    "nothing": lambda is_on: None,
    "fast routes": _attribute(FastRoutes, "_find", lambda self, scope: None),
    "access log in batches": _attribute(AccessLog, "add", _log_one),
}
SERVERS: dict[str, dict[str, Any]] = {
    "connection protocol": {"http": "benchmarks.servers.private_apis:Plain"},
    "connection balance": {"loop": "uvloop"},
    "malloc limits": {"app": "benchmarks.servers.private_apis:without_malloc_limits"},
}
ONLY_OTHERS = ("early refusals", "gc freeze", "malloc limits")
OTHERS = ("connection balance", *ONLY_OTHERS)


@dataclass(frozen=True, slots=True)
class Figures:
    """µs of processor time an answer, answers/s, and wrk's p99 in ms where it is measured."""

    cost: float
    rate: float
    p99: float = 0.0


Pairs = Sequence[tuple[Figures, Figures]]
"""With the use, and without it directly afterwards."""


def main(
    data: Annotated[
        Path | None, typer.Option(help="Folder with mnist.npz; drawn digits without it.")
    ] = None,
    only: Annotated[str, typer.Option(help="Names of rows, by commas; all if empty.")] = "",
    seconds: Annotated[int, typer.Option(min=2, help="Seconds of load a figure.")] = 20,
    worker: Annotated[str | None, typer.Option(hidden=True)] = None,
    port: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Print two tables."""
    if worker is not None:
        if worker in SWITCHES:
            _alternate(worker, port, seconds)
        else:
            _serve(worker, port)
        return
    wrk.require()
    digits = http_requests.digits(data, 200)
    requests = [one.raw for one in http_requests.build(digits, PREDICT, 1)]
    chosen = [name.strip() for name in only.split(",") if name.strip()]
    print("\n".join(f"- {line}" for line in machine.describe(("uvicorn", "uvloop", "fastapi"))))
    print(f"- {seconds} s a figure; medians of the ratio without : with, and quartiles\n")
    print("| without | connections | processor time | answers/s | p99 | with: µs, answers/s |")
    print("|---|---:|---:|---:|---:|---|")
    for name in chosen or [*SWITCHES, *SERVERS]:
        if name in SWITCHES or (name in SERVERS and name not in ONLY_OTHERS):
            measure = _switched if name in SWITCHES else _beside
            for connections, pairs in measure(name, requests, seconds):
                print(f"| {name} | {connections} | {_row(pairs)} |", flush=True)
    print("\n| use | figure | with | without |\n|---|---|---:|---:|")
    for name in chosen or OTHERS:
        if name == "connection balance":
            for connections in CONNECTIONS:
                figure = f"% of {connections} connections on the busier of two workers"
                shares, refused = _balance(connections, requests)
                _print(name, figure, shares, 0)
                _print(name, f"% of requests over {connections} refused", refused, 1)
        elif name == "early refusals":
            _print(name, "µs to refuse a request", asyncio.run(_refusals(requests[0])), 1)
        elif name == "gc freeze":
            for figure, pair in _pauses():
                _print(name, f"ms of a full collection {figure}", pair, 2)
        elif name == "malloc limits":
            figure = f"MB two workers keep after eight images of {LARGE[0]}×{LARGE[1]}"
            _print(name, figure, _memory(requests[0]), 0)


def _print(name: str, figure: str, pair: tuple[float, float], digits: int) -> None:
    print(f"| {name} | {figure} | {pair[0]:,.{digits}f} | {pair[1]:,.{digits}f} |", flush=True)


def _row(pairs: Pairs) -> str:
    ratios = [
        _ratio([(on.cost, off.cost) for on, off in pairs]),
        _ratio([(on.rate, off.rate) for on, off in pairs]),
        _ratio([(on.p99, off.p99) for on, off in pairs if on.p99]),
    ]
    cost = statistics.median(on.cost for on, _ in pairs)
    rate = statistics.median(on.rate for on, _ in pairs)
    return " | ".join([*ratios, f"{cost:.0f}, {rate:,.0f}"])


def _ratio(pairs: Sequence[tuple[float, float]]) -> str:
    if len(pairs) < 2:
        return "–"
    low, middle, high = statistics.quantiles([off / on for on, off in pairs], n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _switched(name: str, requests: Sequence[bytes], seconds: int) -> Iterator[tuple[int, Pairs]]:
    """One worker that switches the use by itself while it is loaded."""
    for connections in CONNECTIONS:
        with _running(name, requests[0], seconds) as server:
            wrk.run(server.port, requests, connections, 1)
            http_requests.send(server.port, http_requests.http_get("/alternate"), 10)
            wrk.run(server.port, requests, connections, seconds + 1)
            _, body = http_requests.send(server.port, http_requests.http_get("/alternated"), 60)
        slices = [Figures(*one) for one in json.loads(body)]
        yield connections, list(zip(slices[::2], slices[1::2], strict=True))


def _alternate(name: str, port: int, seconds: int) -> None:
    """Serve with one worker; `/alternate` starts to switch, `/alternated` answers the slices."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp()
    app = create_app(Settings(deadline_seconds=120))
    slices: list[tuple[float, float]] = []

    async def alternate() -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(slices) % 2:
            SWITCHES[name](len(slices) % 2 == 0)
            answers, used, began = state.total_requests, time.process_time(), time.monotonic()
            await asyncio.sleep(SLICE_SECONDS)
            answers = max(1, state.total_requests - answers)
            cost = 1e6 * (time.process_time() - used) / answers
            slices.append((cost, answers / (time.monotonic() - began)))

    async def begin() -> None:
        app.state.task = asyncio.create_task(alternate())

    async def tell() -> list[tuple[float, float]]:
        await app.state.task
        return slices

    app.add_api_route("/alternate", begin)
    app.add_api_route("/alternated", tell)
    log = serve.log_config("text")
    config = uvicorn.Config(app, port=port, http=Connection, access_log=False, log_config=log)
    server = uvicorn.Server(config)
    state = server.server_state
    server.run()


def _beside(name: str, requests: Sequence[bytes], seconds: int) -> Iterator[tuple[int, Pairs]]:
    """Two services with two workers each, loaded in turn for a second each."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(_running(one, requests[0], seconds)) for one in ("all", name)
        ]
        for server in servers:
            wrk.run(server.port, requests, 32, 1)
        found: dict[int, list[tuple[Figures, Figures]]] = {}
        for _ in range(seconds):
            for connections in CONNECTIONS:
                on, off = (_figures(one, requests, connections) for one in servers)
                found.setdefault(connections, []).append((on, off))
    yield from found.items()


def _figures(server: Server, requests: Sequence[bytes], connections: int) -> Figures:
    before = server.cpu_seconds()
    load = wrk.run(server.port, requests, connections, 1)
    cost = 1e6 * (server.cpu_seconds() - before) / max(1, load.answers)
    return Figures(cost, load.rate, load.p99)


def _running(name: str, first: bytes, seconds: int = 2) -> Any:
    command = ("{python}", "-m", "benchmarks.servers.private_apis", "--worker", name)
    changes = {
        "name": f"private-apis-{name.replace(' ', '-')}",
        "command": (*command, "--port", "{port}", "--seconds", str(seconds)),
    }
    peer = peers.read("convlens").model_copy(update=changes)
    model = Path("models/mnist-lecture/1")
    return running_server.running(peer, Path(sys.executable), model, 2, first)


def _serve(name: str, port: int) -> None:
    """Run `convlens serve` with two workers, without the use `name`."""
    run = uvicorn.run

    def changed(app: str, **arguments: Any) -> None:
        run(**{"app": app, **arguments, **SERVERS.get(name, {})})

    uvicorn.run = changed  # type: ignore[assignment]
    serve.serve(port=port, workers=2, deadline_seconds=120)


def _balance(connections: int, requests: Sequence[bytes]) -> Sequence[tuple[float, float]]:
    """% of connections opened at once that the busier worker accepts, and % of requests refused.

    A worker refuses requests beyond `concurrency`, 64 under way. The shares are medians.
    """
    found = []
    for name in ("all", "connection balance"):
        with _running(name, requests[0]) as server:
            share = statistics.median(_share(server, connections) for _ in range(15))
            loads = [wrk.run(server.port, requests, connections, 1) for _ in range(8)]
        refused = sum(one.errors for one in loads)
        asked = refused + sum(one.answers for one in loads)
        found.append((100 * share, 100 * refused / asked))
    return list(zip(*found, strict=True))


def _share(server: Server, connections: int) -> float:
    live = http_requests.http_get("/livez")
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            for _ in range(connections)
        ]
        for one in opened:
            one.sendall(live)
        for one in opened:
            assert one.recv(1)
        counts = [
            sum(
                one.status == "ESTABLISHED" and one.laddr.port == server.port
                for one in process.net_connections("tcp")
            )
            for process in server.processes()
        ]
    time.sleep(0.2)
    return max(counts) / sum(counts)


async def _refusals(request: bytes) -> tuple[float, float]:
    """µs to refuse `request` in a full worker, before it is parsed and by its parser.

    A connection whose request the parser refuses is closed: the next one takes another, of which
    the system's part is not counted.
    """
    logging.disable(logging.WARNING)
    async with _lifespan() as (app, state):
        config = uvicorn.Config(app, http=Connection, access_log=False, log_config=None)
        config.load()
        full = Admission(0)
        state["admission"] = full

        def connect() -> Connection:
            connection = Connection(config, ServerState(), state)
            connection.connection_made(Wire())
            return connection

        kept = connect()

        def by_parser(_: int) -> None:
            connection = connect()
            connection.data_received(request)
            connection.connection_lost(None)

        early = cpu_time.per_item(lambda _: kept.data_received(request), range(300))
        full.refuse = lambda data: None  # type: ignore[method-assign]
        return early, cpu_time.per_item(by_parser, range(300))


@asynccontextmanager
async def _lifespan() -> AsyncIterator[tuple[FastAPI, dict[str, Any]]]:
    app = create_app(Settings())
    async with app.router.lifespan_context(app) as state:
        yield app, dict(state or {})


def _pauses() -> Iterator[tuple[str, tuple[float, float]]]:
    """Milliseconds of a full garbage collection, during which no request is answered.

    The first of each pair is with the loaded objects frozen, the second without."""
    with TestClient(create_app(Settings(deadline_seconds=120))) as client:
        for when, path in (("with LiteRT", "/livez"), ("with TensorFlow", "/grad-cam")):
            assert client.get(path).status_code == 200
            gc_freeze.collect()
            frozen = cpu_time.per_item(lambda _: gc.collect(), range(1)) / 1000
            gc.unfreeze()
            yield when, (frozen, cpu_time.per_item(lambda _: gc.collect(), range(1)) / 1000)


def _memory(first: bytes) -> tuple[float, float]:
    """MB of proportional set size after the largest images were decoded, eight at once."""
    file = io.BytesIO()
    Image.new("RGB", LARGE, "white").save(file, "PNG")
    request = http_requests.http_post("/predict", file.getvalue(), {})
    found = []
    for name in ("all", "malloc limits"):
        with _running(name, first) as server, ThreadPoolExecutor(8) as pool:
            for _ in range(2):
                asked = [
                    pool.submit(http_requests.send, server.port, request, 60) for _ in range(8)
                ]
                assert all(one.result()[0] == 200 for one in asked)
            server.settle()
            found.append(server.memory())
    return found[0], found[1]


if __name__ == "__main__":
    typer.run(main)
