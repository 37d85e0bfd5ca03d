"""`python -m benchmarks.looking_inside`: how fast convlens shows maps, compared with others.

    python -m benchmarks.looking_inside --data DIR --output docs/reference/benchmarks/introspection
    python -m benchmarks.looking_inside --parts http --commits 947701d

Three parts: `http` requests maps from a running convlens and from earlier commits, `process`
compares its functions with keract and tf-explain, `stages` gives the CPU time of a request by
stage. A part replaces its own figures in OUTPUT.json; those of the other parts stay.
"""

import json
import os
import sys
from contextlib import ExitStack
from itertools import starmap
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks import machine
from benchmarks.harness import commits, environments, peers, running_server, wrk
from benchmarks.harness.peers import Peer
from benchmarks.looking_inside import in_process, map_requests, map_stages
from benchmarks.looking_inside import report as report
from benchmarks.looking_inside.map_requests import CASES, Case
from benchmarks.options import Environments, Report, Rounds, Seconds
from service.models.litert import Network

MODEL = Path("models/mnist-lecture/1")
FIRST = "947701d"
"""The first commit that answers with maps in all three forms."""
IMAGES = 200
CONNECTIONS = 8
PARTS = ("http", "process", "stages")

console = Console(stderr=True)


def main(
    data: Annotated[Path, typer.Option(help="Folder with mnist.npz.")],
    parts: Annotated[str, typer.Option(help="Parts to measure, separated by commas.")] = ",".join(
        PARTS
    ),
    chosen: Annotated[
        str,
        typer.Option("--commits", help="Earlier commits to measure as well, separated by commas."),
    ] = FIRST,
    rounds: Rounds = 2,
    seconds: Seconds = 2,
    home: Environments = environments.DEFAULT,
    output: Report = None,
) -> None:
    """Measures the parts and prints the page."""
    wrk.require()
    with np.load(data / "mnist.npz") as arrays:
        digits = arrays["x_test"][:IMAGES, ..., np.newaxis]
        labels = arrays["y_test"][:IMAGES].astype(np.int64)
    found = _known(output)
    names = [one.strip() for one in chosen.split(",") if one.strip()]
    for part in parts.split(","):
        console.print(part)
        about = machine.describe(("ai-edge-litert", "tensorflow-cpu", "numpy", "pillow"))
        if part == "http":
            measured = _http(digits, names, rounds, seconds)
        elif part == "process":
            measured = _process(digits, labels, rounds, seconds, home)
        else:
            measured = {"stages": map_stages.measure(digits)}
        found[part] = {"machine": about, **measured}
    page = report.page(found)
    if output is not None:
        output.with_suffix(".md").write_text(page)
        output.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    print(page)


def _known(output: Path | None) -> dict[str, Any]:
    if output is None or not output.with_suffix(".json").exists():
        return {}
    known: dict[str, Any] = json.loads(output.with_suffix(".json").read_text())
    return known


def _http(
    digits: NDArray[np.uint8], names: list[str], rounds: int, seconds: float
) -> dict[str, Any]:
    """Measures every server in turn in every round; rate, p50 and p99 are medians of the rounds."""
    right = map_requests.expected(Network(MODEL, (28, 28, 1)), digits)
    with ExitStack() as stack:
        today = peers.read("convlens")
        olds = [commits.server(one, stack.enter_context(commits.unpacked(one))) for one in names]
        figures: dict[tuple[str, str, bool], list[wrk.Load]] = {}
        away: dict[str, dict[str, float]] = {}
        for turn in range(rounds):
            for peer in (today, *olds):
                console.print(f"round {turn + 1} of {rounds}: {peer.title}")
                with _serving(peer, digits) as server:
                    asked = [case for case in CASES if case.old or peer is today]
                    if peer.title not in away:
                        away[peer.title] = {
                            case.title: case.check(server.port, digits, right) for case in asked
                        }
                    wrk.run(server.port, asked[-1].requests(digits), CONNECTIONS, 1)
                    for case in asked:
                        for kept in (False, True):
                            one = _load(server.port, case, digits[:1] if kept else digits, seconds)
                            figures.setdefault((peer.title, case.title, kept), []).append(one)
    return {
        "rounds": rounds,
        "seconds": seconds,
        "workers": len(os.sched_getaffinity(0)),
        "images": len(digits),
        "connections": CONNECTIONS,
        "differences": away,
        "figures": [
            {
                "server": title,
                "case": case,
                "kept": kept,
                "rate": median(one.rate for one in loads),
                "p50": median(one.p50 for one in loads),
                "p99": median(one.p99 for one in loads),
                "errors": sum(one.errors for one in loads),
            }
            for (title, case, kept), loads in figures.items()
        ],
    }


def _serving(peer: Peer, digits: NDArray[np.uint8]) -> Any:
    first = CASES[-2].requests(digits[:1])[0]
    workers = len(os.sched_getaffinity(0))
    return running_server.running(peer, Path(sys.executable), MODEL, workers, first)


def _load(port: int, case: Case, digits: NDArray[np.uint8], seconds: float) -> wrk.Load:
    """Load with the requests that one image needs counted as one answer."""
    each = len(case.checks)
    together = each if each > 1 else 0
    one = wrk.run(port, case.requests(digits), CONNECTIONS, seconds, together)
    return wrk.Load(one.rate / each, one.p50, one.p99, one.answers // each, one.errors)


def _process(
    digits: NDArray[np.uint8], labels: NDArray[np.int64], rounds: int, seconds: float, home: Path
) -> dict[str, Any]:
    """The milliseconds of every task of every explainer."""
    for one in starmap(in_process.Explainer, in_process.EXPLAINERS):
        environments.install(one, home)
    explainers, away = in_process.measure(
        MODEL, digits[:50], labels[:50], rounds, seconds / 2, home
    )
    return {
        "rounds": rounds,
        "seconds": seconds / 2,
        "differences": away,
        "figures": [
            {
                "explainer": one.title,
                "task": task,
                "median": median(taken),
                "p99": float(np.percentile(taken, 99)),
                "calls": len(taken),
            }
            for one in explainers
            for task, taken in one.taken.items()
        ],
    }


if __name__ == "__main__":
    typer.run(main)
