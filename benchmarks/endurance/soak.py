"""`python -m benchmarks.endurance.soak`: mixed requests at 70 % of the peak rate, for hours.

    python -m benchmarks.endurance.soak --minutes 30 --output docs/reference/benchmarks/soak.md

Starts `convlens serve`, measures how many requests of the mix it answers a second with this client
on the same cores, sends 70 % of that at a constant rate, checks every answer, and samples the
server's memory, open files and threads.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx2 as httpx
import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks import machine
from benchmarks.endurance import soak_mix, soak_report
from benchmarks.endurance.soak_mix import CheckedRequest, Mix, WrongAnswer
from benchmarks.endurance.soak_report import Sample
from benchmarks.harness import running_server

SHARE = 0.7
# Connections while the peak is measured: enough to keep two workers busy, few enough that no
# request is refused. If expensive ones were refused, the peak would be that of a cheaper mix.
CONNECTIONS = 8
PEAK_SECONDS = 30.0
# Unanswered requests at once; a further one is not sent and counts as an error.
MOST_UNANSWERED = 512

console = Console(stderr=True)


class Traffic:
    """Sends requests of a mix, checks the answers, and records errors and latencies."""

    def __init__(self, client: httpx.AsyncClient, mix: Mix) -> None:
        self._client = client
        self._mix = mix
        self.sent: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.latencies: list[float] = []

    async def closed_loop(self, seconds: float) -> float:
        """Sends over CONNECTIONS, each after its answer; returns the right answers a second."""
        began = time.perf_counter()

        async def ask() -> None:
            while time.perf_counter() - began < seconds:
                await self.send(self._mix.draw(), time.perf_counter())

        before = self.sent.total() - self.errors.total()
        await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
        right = self.sent.total() - self.errors.total() - before
        return right / (time.perf_counter() - began)

    async def open_loop(self, rate: float, seconds: float) -> None:
        """Sends `rate` requests a second, answered or not; latencies count from the due times."""
        began = time.perf_counter()
        unanswered: set[asyncio.Task[None]] = set()
        for i in range(int(rate * seconds)):
            due = began + i / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if len(unanswered) >= MOST_UNANSWERED:
                self.errors["not sent: too many unanswered"] += 1
                await asyncio.sleep(0)
                continue
            task = asyncio.create_task(self.send(self._mix.draw(), due))
            unanswered.add(task)
            task.add_done_callback(unanswered.discard)
        await asyncio.gather(*unanswered)

    async def send(self, checked: CheckedRequest, due: float) -> None:
        self.sent[checked.kind] += 1
        try:
            if checked.kind == "disconnect":
                await soak_mix.disconnect(checked.request, 0.3 + 0.7 * (self.sent.total() % 2))
                return
            checked.check(await self._client.send(checked.request))
        except (WrongAnswer, httpx.HTTPError, OSError) as problem:
            self.errors[f"{checked.kind}: {type(problem).__name__} {problem}"] += 1
        self.latencies.append(time.perf_counter() - due)

    def take_latencies(self) -> list[float]:
        """The latencies in seconds of the answers since the last call."""
        times, self.latencies = self.latencies, []
        return times


def main(
    minutes: Annotated[float, typer.Option(min=0.5, help="Minutes at the constant rate.")] = 30,
    models: Annotated[Path, typer.Option(help="Folder of models.")] = Path("models"),
    output: Annotated[Path | None, typer.Option(help="Also write the report to this file.")] = None,
) -> None:
    """Sends the requests and prints the report."""
    about = machine.describe()
    with TemporaryDirectory(prefix="convlens-soak-") as folder:
        log = Path(folder) / "log"
        server = _start(models, log)
        try:
            report = asyncio.run(_soak(server, minutes * 60, about))
        except BaseException:
            console.print(log.read_text(errors="replace")[-2000:], markup=False)
            raise
        finally:
            server.process.terminate()
            status = server.process.wait(60)
    report += f"\nSIGTERM ended the server with status {status}.\n"
    print(report)
    if output is not None:
        output.write_text(
            f"# Soak\n\nBy `python -m benchmarks.endurance.soak --minutes {minutes:g}`.\n\n{report}"
        )


def _start(models: Path, log: Path) -> running_server.Server:
    port = running_server.free_port()
    command = [sys.executable, "-m", "convlens", "serve", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--models", str(models)], stdout=file, stderr=subprocess.STDOUT
        )
    return running_server.Server(port, process, tag=f"soak-{os.getpid()}")


async def _soak(server: running_server.Server, seconds: float, about: list[str]) -> str:
    # The client closes idle connections first, so that the server closes none that is being used.
    limits = httpx.Limits(
        max_connections=None, max_keepalive_connections=MOST_UNANSWERED, keepalive_expiry=2
    )
    address = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as client:
        await _ready(client, server)
        server.wait_until_idle()
        console.print("sending every request once")
        mix = await soak_mix.prepare(client)
        warm = Traffic(client, mix)
        await warm.closed_loop(3)
        peak = await warm.closed_loop(PEAK_SECONDS)
        console.print(f"peak of the mix: {peak:.0f} answers a second, {warm.errors.total()} errors")
        traffic = Traffic(client, mix)
        samples = await _sampled(server, traffic, SHARE * peak, seconds)
    return soak_report.write(samples, traffic.sent, traffic.errors, peak, SHARE * peak, about)


async def _ready(client: httpx.AsyncClient, server: running_server.Server) -> None:
    until = time.monotonic() + running_server.START_TIMEOUT_S
    while time.monotonic() < until and server.process.poll() is None:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise running_server.NotStarted("the server did not become ready")


async def _sampled(
    server: running_server.Server, traffic: Traffic, rate: float, seconds: float
) -> list[Sample]:
    period = min(30.0, seconds / 10)
    began = time.monotonic()
    samples = []
    sending = asyncio.create_task(traffic.open_loop(rate, seconds))
    with Progress(console=console) as progress:
        bar = progress.add_task("soaking", total=seconds)
        while not sending.done():
            await asyncio.wait([sending], timeout=period)
            elapsed = time.monotonic() - began
            samples.append(soak_report.sample(server, elapsed, traffic.take_latencies()))
            progress.update(bar, completed=elapsed)
    await sending
    return samples


if __name__ == "__main__":
    typer.run(main)
