"""`python -m benchmarks.servers`: compares convlens with other model servers.

    python -m benchmarks.servers --data DIR --output docs/reference/benchmarks/serving  # everything
    python -m benchmarks.servers --peers convlens,starlette-noop,fastapi-signature --rounds 1

In every round the servers run one after the other, each alone. Their answers are compared with the
bare model's before anything is measured.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine
from benchmarks.harness import environments, http_requests, peers, wrk
from benchmarks.options import Environments, Report, Rounds, Seconds
from benchmarks.servers import bare_model, report
from benchmarks.servers.rounds import Plan, Record

DIGITS = 200

console = Console(stderr=True)


def main(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with mnist.npz; by default the sample images are sent."),
    ] = None,
    model: Annotated[Path, typer.Option(help="Model folder.")] = Path("models/mnist-lecture/1"),
    chosen: Annotated[
        str,
        typer.Option(
            "--peers", help="Names of folders in servers/peers, separated by commas; all if empty."
        ),
    ] = "",
    rounds: Rounds = 3,
    seconds: Seconds = 4,
    connections: Annotated[
        str, typer.Option(help="Numbers of connections, separated by commas.")
    ] = "1,8,32,128",
    quick: Annotated[bool, typer.Option(help="Measure two rounds of two seconds.")] = False,
    environments_: Environments = environments.DEFAULT,
    output: Report = None,
) -> None:
    """Measures the servers in rounds and prints the medians."""
    wrk.require()
    if quick:
        rounds, seconds = 2, 2
    about = machine.describe()
    names = [name.strip() for name in chosen.split(",") if name.strip()] or peers.names()
    records = [_install(name, environments_) for name in names]
    digits = http_requests.digits(data, DIGITS)
    workers = len(os.sched_getaffinity(0))
    known = bare_model.measure(model, digits, threads=1)
    at_once = [int(one) for one in connections.split(",")]
    plan = Plan(model, digits, known, workers, at_once, seconds)
    about.append(f"{rounds} rounds of {seconds:g} s a figure; {workers} workers; medians")
    for turn in range(rounds):
        for record in records:
            if not record.absent:
                console.print(f"round {turn + 1} of {rounds}: {record.peer.title}")
                plan.run(record)
                # After each server, so that an interrupted run keeps its figures.
                _write(output, records, known, about)
    print(report.serving(records, known, about))


def _write(
    output: Path | None, records: Sequence[Record], known: bare_model.Bare, about: Sequence[str]
) -> None:
    if output is None:
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    page = report.serving(records, known, about)
    output.with_suffix(".md").write_text(f"# convlens beside other servers\n\n{page}")
    written = json.dumps(report.as_json(records, known, about), indent=1)
    output.with_suffix(".json").write_text(written + "\n")


def _install(name: str, folder: Path) -> Record:
    peer = peers.read(name)
    console.print(f"installing {peer.title}")
    record = Record(peer, environments.python_of(peer, folder))
    try:
        environments.install(peer, folder)
    except environments.NotInstallable as problem:
        record.absent = f"not installable: {problem}"
    return record


if __name__ == "__main__":
    typer.run(main)
