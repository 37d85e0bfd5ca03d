"""`python -m benchmarks.endurance.soak`: mixed traffic at 70 % of the peak for hours.

    python -m benchmarks.endurance.soak --minutes 30 --output docs/reference/benchmarks/soak.md

Starts `convlens serve` as a user would, finds how much of the mix it answers at most with this
client on the same cores, sends a constant part of that, checks every answer, and looks at the
server's memory, open files and threads meanwhile.
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

from benchmarks import machine, running_server
from benchmarks.endurance import soak_mix, soak_report
from benchmarks.endurance.soak_mix import Mix, Question, Wrong
from benchmarks.endurance.soak_report import Sample

SHARE = 0.7
# For the peak: enough to keep two workers at it, too few for any question to be refused, since
# with the dear ones refused the peak would be that of another, cheaper mix.
CONNECTIONS = 8
PEAK_SECONDS = 30.0
# Questions that wait for an answer at once; one more is not sent, and counted.
MOST = 512

console = Console(stderr=True)


class Traffic:
    """Sends questions of a mix, checks the answers, and keeps what went wrong and how long."""

    def __init__(self, client: httpx.AsyncClient, mix: Mix) -> None:
        self._client = client
        self._mix = mix
        self.asked: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.seconds: list[float] = []

    async def closed(self, seconds: float) -> float:
        """Ask without pause over `CONNECTIONS`, and return the right answers a second."""
        began = time.perf_counter()

        async def ask() -> None:
            while time.perf_counter() - began < seconds:
                await self.one(self._mix.draw(), time.perf_counter())

        before = self.asked.total() - self.errors.total()
        await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
        right = self.asked.total() - self.errors.total() - before
        return right / (time.perf_counter() - began)

    async def constant(self, rate: float, seconds: float) -> None:
        """Ask `rate` times a second, whatever the answers take: times count from when due."""
        began = time.perf_counter()
        under_way: set[asyncio.Task[None]] = set()
        for i in range(int(rate * seconds)):
            due = began + i / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if len(under_way) >= MOST:
                self.errors["not sent: too many wait"] += 1
                await asyncio.sleep(0)
                continue
            task = asyncio.create_task(self.one(self._mix.draw(), due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)

    async def one(self, question: Question, due: float) -> None:
        self.asked[question.kind] += 1
        try:
            if question.kind == "disconnect":
                await soak_mix.leave(question.request, 0.3 + 0.7 * (self.asked.total() % 2))
                return
            question.check(await self._client.send(question.request))
        except (Wrong, httpx.HTTPError, OSError) as problem:
            self.errors[f"{question.kind}: {type(problem).__name__} {problem}"] += 1
        self.seconds.append(time.perf_counter() - due)

    def since(self) -> list[float]:
        """The times of the answers since the last call."""
        times, self.seconds = self.seconds, []
        return times


def main(
    minutes: Annotated[float, typer.Option(min=0.5, help="Time at the constant rate.")] = 30,
    models: Annotated[Path, typer.Option(help="Folder of models.")] = Path("models"),
    output: Annotated[Path | None, typer.Option(help="Write the report there as well.")] = None,
) -> None:
    """Send the traffic and print the report."""
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
    # Idle connections are let go before the server does, so that none breaks off as it is used.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=MOST, keepalive_expiry=2)
    address = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as client:
        await _ready(client, server)
        server.settle()
        console.print("asking every question once")
        mix = await soak_mix.prepare(client)
        warm = Traffic(client, mix)
        await warm.closed(3)
        peak = await warm.closed(PEAK_SECONDS)
        console.print(f"peak of the mix: {peak:.0f} answers a second, {warm.errors.total()} others")
        traffic = Traffic(client, mix)
        samples = await _sampled(server, traffic, SHARE * peak, seconds)
    return soak_report.write(samples, traffic.asked, traffic.errors, peak, SHARE * peak, about)


async def _ready(client: httpx.AsyncClient, server: running_server.Server) -> None:
    until = time.monotonic() + running_server.PATIENCE
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
    sending = asyncio.create_task(traffic.constant(rate, seconds))
    with Progress(console=console) as progress:
        bar = progress.add_task("soaking", total=seconds)
        while not sending.done():
            await asyncio.wait([sending], timeout=period)
            elapsed = time.monotonic() - began
            samples.append(soak_report.look(server, elapsed, traffic.since()))
            progress.update(bar, completed=elapsed)
    await sending
    return samples


if __name__ == "__main__":
    typer.run(main)
