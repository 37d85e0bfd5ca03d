"""`python -m benchmarks.servers.compare_commits BASE`: this work tree's service beside a commit's.

    python -m benchmarks.servers.compare_commits 0db22b3
    python -m benchmarks.servers.compare_commits 0db22b3 --commit HEAD --rounds 10

In every round both services run one after the other on the same cores, in alternating order, each
with the models of its commit and the libraries of the running interpreter. A ratio compares the two
figures of one round, so that a slow change of the machine's speed cancels out. The requests are
multipart forms with one digit, a 28×28 PNG.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine, markdown
from benchmarks.harness import commits, http_requests, peers, wrk
from benchmarks.harness.peers import Endpoint, Peer
from benchmarks.options import Seconds
from benchmarks.servers import bare_model
from benchmarks.servers.rounds import Case, Plan, Record

FORM = Endpoint(path="/predict", body="multipart")
DIGITS = 200

console = Console(stderr=True)


def main(
    base: Annotated[str, typer.Argument(help="Commit to compare with.")],
    commit: Annotated[
        str, typer.Option(help="Commit that is compared; the work tree if empty.")
    ] = "",
    model: Annotated[
        Path, typer.Option(help="Folder of the default model, for the check of the answers.")
    ] = Path("models/mnist-lecture/1"),
    rounds: Annotated[int, typer.Option(min=2, help="Rounds.")] = 6,
    seconds: Seconds = 4,
    connections: Annotated[
        str, typer.Option(help="Numbers of connections, separated by commas.")
    ] = "8,32",
) -> None:
    """Prints the ratios of rate, CPU time, p99 and memory, commit divided by base."""
    wrk.require()
    counts = [int(one) for one in connections.split(",")]
    digits = http_requests.digits(None, DIGITS)
    bare = bare_model.measure(model, digits, threads=1, speed=False)
    plan = Plan(model, digits, bare, len(os.sched_getaffinity(0)), counts, seconds)
    about = machine.describe()
    with ExitStack() as stack:
        records = [
            Record(
                _peer(name, stack).model_copy(update={"endpoints": (FORM,)}), Path(sys.executable)
            )
            for name in (base, commit)
        ]
        for turn in range(rounds):
            for record in records if turn % 2 == 0 else reversed(records):
                console.print(f"round {turn + 1} of {rounds}: {record.peer.title}")
                plan.run(record)
                if record.absent:
                    console.print(f"[red]{record.peer.title}: {record.absent}[/red]")
                    raise typer.Exit(1)
    print("\n".join(f"- {line}" for line in about))
    print(f"- {rounds} rounds of {seconds:g} s a figure; {plan.workers} workers\n")
    print(table(records[0], records[1], counts))


def _peer(commit: str, stack: ExitStack) -> Peer:
    if not commit:
        return peers.read("convlens").model_copy(update={"title": "work tree"})
    return commits.server(commit, stack.enter_context(commits.unpacked(commit)))


def table(base: Record, changed: Record, connections: Sequence[int]) -> str:
    """The medians of both records, and the median and the range of the ratios of the rounds."""
    rows = []
    both = zip(_figures(base, connections), _figures(changed, connections), strict=True)
    for (name, before), (_, after) in both:
        ratios = [b / a for a, b in zip(before, after, strict=True)]
        middle = (f"{median(before):,.1f}", f"{median(after):,.1f}", f"{median(ratios):.3f}")
        rows.append([name, *middle, f"{min(ratios):.3f} to {max(ratios):.3f}"])
    return markdown.table(["figure", base.peer.title, changed.peer.title, "ratio", "range"], rows)


def _figures(record: Record, connections: Sequence[int]) -> list[tuple[str, list[float]]]:
    figures = []
    for count in connections:
        case = Case(FORM.body, 1, count)
        loads = record.loads[case]
        figures += [
            (f"answers/s, c={count}", [one.rate for one in loads]),
            (f"CPU µs per answer, c={count}", record.cost[case]),
            (f"p99 ms, c={count}", [one.p99 for one in loads]),
        ]
    figures += [("PSS MB after the load", record.memory), ("start to 200, s", record.starts)]
    return figures


if __name__ == "__main__":
    typer.run(main)
