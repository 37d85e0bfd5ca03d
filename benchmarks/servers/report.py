"""The figures of the rounds become a report in Markdown and a record in JSON."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from benchmarks.harness.wrk import Load
from benchmarks.markdown import table
from benchmarks.servers.bare_model import Bare
from benchmarks.servers.rounds import MANY, Case, Record

Value = Callable[[Load], float]


def serving(records: Sequence[Record], bare: Bare, machine: Sequence[str]) -> str:
    """All tables, in Markdown; figures are medians of the rounds."""
    cases = sorted(
        {case for record in records for case in record.loads},
        key=lambda case: (case.images, case.connections),
    )
    connections = sorted({case.connections for case in cases if case.images == 1})
    present = [record for record in records if not record.absent]
    parts = [
        "\n".join(f"- {line}" for line in machine),
        "## Good answers a second\n\nOne image a request; c is the connections at once.",
        _by_connections(present, connections, lambda load: load.rate),
        "## Latency\n\nMilliseconds, p50 / p99.",
        _latencies(present, connections),
        "## Cost\n\nCPU time of all the server's processes for one answer, in µs. It changes less"
        " than the rate when other processes use the machine.",
        _cost(present, connections),
        "## Compared with convlens\n\nconvlens' answers a second divided by the server's.",
        _ratios(present, connections),
        f"## {MANY} images a request\n\nImages a second.",
        _many(present),
        "## Memory, start-up and correctness\n\nPSS of all processes after the load; seconds from"
        " the start to the first good answer; the largest difference of a probability from the bare"
        " model's; failed requests of all rounds.",
        _rest(present, bare),
        "## The bare model\n\nImages a second in one process, by batch.",
        table(
            ["batch", *(str(size) for size in bare.rates)],
            [["images/s", *(f"{rate:,.0f}" for rate in bare.rates.values())]],
        ),
    ]
    if absent := [record for record in records if record.absent]:
        parts.append("## Not measured")
        parts.append("\n".join(f"- {one.peer.title}: {one.absent}" for one in absent))
    if remarks := [record.peer for record in records if record.peer.remark]:
        parts.append("## Remarks")
        parts.append("\n".join(f"- {peer.title}: {peer.remark}" for peer in remarks))
    return "\n\n".join(parts) + "\n"


def as_json(records: Sequence[Record], bare: Bare, machine: Sequence[str]) -> dict[str, Any]:
    """All figures of each round, ready for `json.dumps`."""
    return {
        "machine": list(machine),
        "bare": {"seconds": bare.seconds, "images_per_second": bare.rates},
        "servers": [
            {
                "name": one.peer.name,
                "title": one.peer.title,
                "absent": one.absent or None,
                "seconds_to_first_answer": one.starts,
                "pss_mb": one.memory,
                "largest_difference": one.difference,
                "loads": [
                    {
                        "body": case.body,
                        "images": case.images,
                        "connections": case.connections,
                        "rate": [load.rate for load in loads],
                        "p50_ms": [load.p50 for load in loads],
                        "p99_ms": [load.p99 for load in loads],
                        "cpu_us": one.cost[case],
                        "errors": [load.errors for load in loads],
                    }
                    for case, loads in one.loads.items()
                ],
            }
            for one in records
        ],
    }


def _lines(records: Sequence[Record]) -> list[tuple[str, str, Record]]:
    """A row of the tables for each kind of body that a server takes: title, body, record."""
    return [
        (one.peer.title, body, one)
        for one in records
        for body in dict.fromkeys(case.body for case in one.loads if case.images == 1)
    ]


def _middle(one: Record, case: Case, value: Value) -> float | None:
    loads = one.loads.get(case)
    return median(value(load) for load in loads) if loads else None


def _by_connections(records: Sequence[Record], connections: Sequence[int], value: Value) -> str:
    rows = [
        [title, body, *(_number(_middle(one, Case(body, 1, c), value)) for c in connections)]
        for title, body, one in _lines(records)
    ]
    return table(["server", "body", *(f"c={c}" for c in connections)], rows)


def _latencies(records: Sequence[Record], connections: Sequence[int]) -> str:
    rows = []
    for title, body, one in _lines(records):
        cells = []
        for c in connections:
            p50 = _middle(one, Case(body, 1, c), lambda load: load.p50)
            p99 = _middle(one, Case(body, 1, c), lambda load: load.p99)
            cells.append("–" if p50 is None or p99 is None else f"{p50:,.1f} / {p99:,.1f}")
        rows.append([title, body, *cells])
    return table(["server", "body", *(f"c={c}" for c in connections)], rows)


def _cost(records: Sequence[Record], connections: Sequence[int]) -> str:
    rows = []
    for title, body, one in _lines(records):
        costs = [one.cost.get(Case(body, 1, c)) for c in connections]
        rows.append([title, body, *(_number(median(cost) if cost else None) for cost in costs)])
    return table(["server", "body", *(f"c={c}" for c in connections)], rows)


def _ratios(records: Sequence[Record], connections: Sequence[int]) -> str:
    """convlens' rate divided by each server's, with the same kind of body or else with a form."""
    mine = next((one for one in records if one.peer.name == "convlens"), None)
    if mine is None:
        return "convlens was not measured."
    rows = []
    for title, body, one in _lines(records):
        same = body if any(case.body == body for case in mine.loads) else "multipart"
        cells = []
        for c in connections:
            ours = _middle(mine, Case(same, 1, c), lambda load: load.rate)
            theirs = _middle(one, Case(body, 1, c), lambda load: load.rate)
            cells.append("–" if not ours or not theirs else f"{ours / theirs:.2f}")
        if one is not mine:
            rows.append([title, body, *cells])
    return table(["server", "body", *(f"c={c}" for c in connections)], rows)


def _many(records: Sequence[Record]) -> str:
    rows = [
        [
            one.peer.title,
            case.body,
            str(case.connections),
            _number(_middle(one, case, lambda load: load.rate * MANY)),
            f"{_middle(one, case, lambda load: load.p99):,.1f}",
        ]
        for one in records
        for case in one.loads
        if case.images == MANY
    ]
    return table(["server", "body", "c", "images/s", "p99 ms"], rows)


def _rest(records: Sequence[Record], bare: Bare) -> str:
    rows = [
        [
            one.peer.title,
            f"{median(one.memory):,.0f}",
            f"{median(one.starts):.1f}",
            "–" if one.difference is None else f"{one.difference:.1g}",
            str(sum(load.errors for loads in one.loads.values() for load in loads)),
        ]
        for one in records
        if one.memory
    ]
    rows.append(["bare: import tensorflow, load, one call", "–", f"{bare.seconds:.1f}", "–", "–"])
    return table(["server", "PSS MB", "first answer s", "difference", "errors"], rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
