"""Sends whole HTTP requests with wrk; returns the rate, the latencies and the errors.

The loop is closed: each of the keep-alive connections sends its next request when it has an answer.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.console import Console

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one run: answers with status 200 a second, latencies in ms, errors."""

    rate: float
    p50: float
    p99: float
    answers: int
    errors: int


def require() -> None:
    """Exits with an error message if wrk is not installed."""
    if shutil.which("wrk") is None:
        Console(stderr=True).print(
            "[red]The load generator wrk is not installed. On Debian: apt-get install wrk[/red]"
        )
        raise typer.Exit(2)


def run(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, each: int = 0
) -> Load:
    """Sends `requests` in turn over `connections` keep-alive connections for about `seconds`.

    With `each`, every `each` successive requests form a group that is sent over one connection:
    each connection goes through all requests by itself, starting at the first of another group.
    """
    threads = connections if each else 1
    apart = max(1, len(requests) // each // threads) * each if each else 0
    with TemporaryDirectory(prefix="convlens-load-") as folder:
        for i, request in enumerate(requests):
            (Path(folder) / str(i)).write_bytes(request)
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "10s", "--latency", "-s", str(SCRIPT), f"http://127.0.0.1:{port}"]
        done = subprocess.run(
            [*command, "--", folder, str(len(requests)), str(apart)],
            capture_output=True,
            text=True,
            check=True,
        )
    counted = json.loads("{" + done.stdout.rsplit("\n{", 1)[1])
    return Load(
        rate=counted["answers"] / counted["seconds"],
        p50=counted["p50_ms"],
        p99=counted["p99_ms"],
        answers=counted["answers"],
        errors=counted["refused"] + counted["broken"] + counted["timeouts"],
    )
