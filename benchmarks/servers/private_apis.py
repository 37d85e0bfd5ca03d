"""`python -m benchmarks.servers.private_apis`: what each use of a private API buys, on and off.

A trick that can be switched within a process is switched in slices of 0.1 s, on and off in turn,
while wrk loads one worker: whatever else the machine does meets both alike. A trick that belongs to
a connection or to several workers is measured by two services beside each other, which wrk loads in
turn. Figures are medians over all pairs of the ratio, without the trick to with it, and quartiles.

    python -m benchmarks.servers.private_apis --only "fast routes" --seconds 20
"""

import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from benchmarks import http_requests, machine, running_server
from benchmarks.servers import peers, wrk
from benchmarks.servers.peers import Ask
from convlens import serve
from service.app import create_app
from service.http import connection, fast_routes
from service.http.admission import Admission
from service.observability import access_log, metrics
from service.workers.connection_balance import Loop

CHOSEN = "CONVLENS_PRIVATE_API"
SLICE = 0.1
PREDICT = Ask(path="/predict", body="multipart")
AT_ONCE = (8, 32, 128)

Switch = Callable[[bool], None]


class Plain(HttpToolsProtocol):
    """uvicorn's protocol with corked writes and the count that sharing needs, and nothing more."""

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(self.loop, Loop):
            self.loop.share.change(-1)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.cycle.transport = connection.Corked(self.transport)  # type: ignore[assignment]


def _attribute(owner: Any, name: str, off: Any) -> Switch:
    """Puts `off` in the place of the attribute, and back."""
    on = getattr(owner, name)
    return lambda is_on: setattr(owner, name, on if is_on else off)


def _stages(is_on: bool) -> None:
    for stage in metrics._STAGES:
        stage.observe = stage._seconds.append if is_on else stage._histogram.observe  # type: ignore[assignment]


def _log_one(self: access_log.Access, *request: Any) -> None:
    self._lines.append(self._line(*request))
    self.flush()


SWITCHES: dict[str, tuple[Switch, tuple[int, ...]]] = {
    "nothing": (lambda is_on: None, AT_ONCE),
    "early refusals": (_attribute(Admission, "answer", lambda self, data: None), (192,)),
    "corked writes": (_attribute(connection, "Corked", lambda transport: transport), AT_ONCE),
    "fast routes": (_attribute(fast_routes.Direct, "_find", lambda self, scope: None), AT_ONCE),
    "batched stages": (_stages, AT_ONCE),
    "batched access log": (_attribute(access_log.Access, "add", _log_one), AT_ONCE),
    "gc threshold": (
        lambda is_on: gc.set_threshold(*(10_000, 10, 10) if is_on else (700, 10, 10)),
        AT_ONCE,
    ),
}
SERVERS: dict[str, dict[str, Any]] = {
    "connection protocol": {"http": Plain},
    "sharing connections": {"loop": "uvloop"},
}


@dataclass(frozen=True)
class Figures:
    """µs of processor time an answer, answers/s, and wrk's p99 in ms where it is known."""

    cost: float
    rate: float
    p99: float = 0.0


Pairs = Sequence[tuple[Figures, Figures]]
"""With the trick, and without it right afterwards."""


def main(
    data: Annotated[
        Path | None, typer.Option(help="Folder with mnist.npz; drawn digits without it.")
    ] = None,
    only: Annotated[str, typer.Option(help="Names of tricks, by commas; all if empty.")] = "",
    seconds: Annotated[int, typer.Option(min=1, help="Seconds of load a figure.")] = 12,
    worker: Annotated[str | None, typer.Option(hidden=True)] = None,
    port: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Print the table."""
    if worker in SWITCHES:
        _alternate(worker, port, seconds)
    elif worker is not None:
        _serve(worker, port)
    else:
        wrk.require()
        names = [name.strip() for name in only.split(",") if name.strip()]
        digits = http_requests.digits(data, 200)
        _table(
            names or [*SWITCHES, *SERVERS],
            [one.raw for one in http_requests.build(digits, PREDICT, 1)],
            seconds,
        )


def _table(names: Sequence[str], requests: Sequence[bytes], seconds: int) -> None:
    print("\n".join(f"- {line}" for line in machine.describe(("uvicorn", "uvloop", "fastapi"))))
    print(f"- {seconds} s a figure\n")
    print("| without | c | processor time | answers/s | p99 | with: µs, answers/s, p99 ms |")
    print("|---|---:|---:|---:|---:|---|")
    for name in names:
        measure = _switched if name in SWITCHES else _beside
        for at_once, pairs in measure(name, requests, seconds):
            print(f"| {name} | {at_once} | {_row(pairs)} |", flush=True)


def _row(pairs: Pairs) -> str:
    ratios = [
        _ratio([(on.cost, off.cost) for on, off in pairs]),
        _ratio([(on.rate, off.rate) for on, off in pairs]),
        _ratio([(on.p99, off.p99) for on, off in pairs if on.p99]),
    ]
    cost = statistics.median(on.cost for on, _ in pairs)
    rate = statistics.median(on.rate for on, _ in pairs)
    p99 = statistics.median(on.p99 for on, _ in pairs)
    return " | ".join([*ratios, f"{cost:.0f}, {rate:,.0f}, {p99:.1f}"])


def _ratio(pairs: Sequence[tuple[float, float]]) -> str:
    if len(pairs) < 2:
        return "–"
    ratios = [off / on for on, off in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _switched(name: str, requests: Sequence[bytes], seconds: int) -> Iterator[tuple[int, Pairs]]:
    """One worker that switches the trick by itself while it is loaded."""
    for at_once in SWITCHES[name][1]:
        with _running(name, requests[0], seconds) as server:
            wrk.run(server.port, requests, at_once, 1)
            http_requests.send(server.port, http_requests.http_get("/alternate"), 10)
            wrk.run(server.port, requests, at_once, seconds + 1)
            _, body = http_requests.send(server.port, http_requests.http_get("/alternated"), 30)
        slices = [Figures(*one) for one in json.loads(body)]
        yield at_once, list(zip(slices[::2], slices[1::2], strict=False))


def _alternate(name: str, port: int, seconds: int) -> None:
    """Serve with one worker; `/alternate` begins to switch, `/alternated` tells the slices."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp()
    app = create_app()
    switch, _ = SWITCHES[name]
    slices: list[tuple[float, float]] = []

    async def alternate() -> None:
        for i in range(2 * int(seconds / SLICE / 2)):
            switch(i % 2 == 0)
            answers, used, began = state.total_requests, time.process_time(), time.monotonic()
            await asyncio.sleep(SLICE)
            if answered := state.total_requests - answers:
                cost = 1e6 * (time.process_time() - used) / answered
                slices.append((cost, answered / (time.monotonic() - began)))
            else:
                slices.append((1e6, 1e-6))
        switch(True)

    async def begin() -> None:
        app.state.task = asyncio.create_task(alternate())

    async def tell() -> list[tuple[float, float]]:
        await app.state.task
        return slices

    app.add_api_route("/alternate", begin)
    app.add_api_route("/alternated", tell)
    config = uvicorn.Config(
        app,
        port=port,
        http=connection.Connection,
        access_log=False,
        log_config=serve.log_config("text"),
    )
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
            for at_once in AT_ONCE:
                on, off = (_figures(one, requests, at_once) for one in servers)
                found.setdefault(at_once, []).append((on, off))
    yield from found.items()


def _figures(server: running_server.Server, requests: Sequence[bytes], at_once: int) -> Figures:
    before = server.computed()
    load = wrk.run(server.port, requests, at_once, 1)
    cost = 1e6 * (server.computed() - before) / max(1, load.answers)
    return Figures(cost, load.rate, load.p99)


def _running(name: str, first: bytes, seconds: int) -> Any:
    command = ("{python}", "-m", "benchmarks.servers.private_apis", "--worker", name)
    changes = {
        "name": f"private-apis-{name.replace(' ', '-')}",
        "command": (*command, "--port", "{port}", "--seconds", str(seconds)),
    }
    peer = peers.read("convlens").model_copy(update=changes)
    model = Path("models/mnist-lecture/1")
    return running_server.running(peer, Path(sys.executable), model, 2, first)


def _serve(name: str, port: int) -> None:
    """Run `convlens serve` with two workers, without the trick `name`."""
    run = uvicorn.run

    def changed(*factory: Any, **arguments: Any) -> None:
        run(*factory, **{**arguments, **SERVERS.get(name, {})})

    uvicorn.run = changed
    serve.serve(port=port, workers=2)


if __name__ == "__main__":
    typer.run(main)
