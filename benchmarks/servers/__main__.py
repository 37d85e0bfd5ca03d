"""`python -m benchmarks.servers`: convlens beside what a user would pick instead, as a table.

    python -m benchmarks.servers --data DIR --output docs/reference/benchmarks/serving  # everything
    python -m benchmarks.servers --peers convlens,starlette-noop,fastapi-signature --rounds 1

Every server runs alone, in turn, in every round; its answers are compared with the bare model's
before anything is measured. Without --data the digits are drawn.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import environments, http_requests, machine
from benchmarks.options import Environments, Report, Rounds, Seconds
from benchmarks.servers import bare_model, peers, table, wrk
from benchmarks.servers.rounds import Plan, Record

DIGITS = 200

console = Console(stderr=True)


def main(
    data: Annotated[
        Path | None, typer.Option(help="Folder with mnist.npz; drawn digits without it.")
    ] = None,
    model: Annotated[Path, typer.Option(help="Model folder.")] = Path("models/mnist-lecture/1"),
    chosen: Annotated[
        str, typer.Option("--peers", help="Names in benchmarks/peers, by commas; all if empty.")
    ] = "",
    rounds: Rounds = 3,
    seconds: Seconds = 4,
    connections: Annotated[str, typer.Option(help="Connections at once.")] = "1,8,32,128",
    quick: Annotated[bool, typer.Option(help="Two rounds of two seconds a figure.")] = False,
    environments_: Environments = environments.DEFAULT,
    output: Report = None,
) -> None:
    """Measure the servers in rounds and print the medians."""
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
                # After each server, so that a run that is cut short has not been in vain.
                _write(output, records, known, about)
    print(table.serving(records, known, about))


def _write(
    output: Path | None, records: Sequence[Record], known: bare_model.Bare, about: Sequence[str]
) -> None:
    if output is None:
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    report = table.serving(records, known, about)
    output.with_suffix(".md").write_text(f"# convlens beside other servers\n\n{report}")
    written = json.dumps(table.record(records, known, about), indent=1)
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
