"""Samples of a server over time become a report in Markdown with the slope of its memory."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.harness.running_server import Server

# Share of the time that the slope leaves out: caches fill and allocators settle first.
WARM_UP = 0.2


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment, and the answers since the last sample.

    `seconds` is the time since the start, `memory` the PSS in MB of 10⁶ bytes, p50 and p99 in ms.
    """

    seconds: float
    memory: float
    files: int
    threads: int
    answers: int
    p50: float
    p99: float


def sample(server: Server, seconds: float, times: Sequence[float]) -> Sample:
    """Samples all processes of `server`; `times` are the latencies since the last sample, in s."""
    files = threads = 0
    memory = 0.0
    for process in (one := psutil.Process(server.process.pid), *one.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            memory += process.memory_full_info().pss / 1e6
            files += process.num_fds()
            threads += process.num_threads()
    p50, p99 = 1e3 * np.percentile(times or [float("nan")], [50, 99])
    return Sample(seconds, memory, files, threads, len(times), float(p50), float(p99))


def slope(samples: Sequence[Sample]) -> tuple[float, float]:
    """Growth of memory in MB an hour, by least squares after the warm-up; its standard error."""
    later = [one for one in samples if one.seconds >= WARM_UP * samples[-1].seconds]
    hours: NDArray[np.float64] = np.array([one.seconds / 3600 for one in later])
    memory: NDArray[np.float64] = np.array([one.memory for one in later])
    spread = hours - hours.mean()
    steep = float((spread * memory).sum() / (spread**2).sum())
    left = memory - memory.mean() - steep * spread
    error = np.sqrt((left**2).sum() / max(1, len(later) - 2) / (spread**2).sum())
    return steep, float(error)


def write(
    samples: Sequence[Sample],
    sent: Counter[str],
    errors: Counter[str],
    peak: float,
    rate: float,
    about: Sequence[str],
) -> str:
    """The report."""
    growth, error = slope(samples)
    first, last = samples[0], samples[-1]
    lines = [f"- {line}" for line in about]
    lines += [
        f"- peak of the mix with this client on the same cores: {peak:,.0f} answers a second;"
        f" sent: {rate:,.0f} a second for {last.seconds / 60:.1f} minutes",
        "",
        "| what | start | end |",
        "| --- | ---: | ---: |",
        f"| memory, PSS MB | {first.memory:,.0f} | {last.memory:,.0f} |",
        f"| open files | {first.files} | {last.files} |",
        f"| threads | {first.threads} | {last.threads} |",
        f"| p50 ms | {first.p50:.1f} | {last.p50:.1f} |",
        f"| p99 ms | {first.p99:.1f} | {last.p99:.1f} |",
        "",
        f"Memory grows by {growth:+.1f} ± {error:.1f} MB an hour (least squares and its standard"
        f" error, after the first {WARM_UP:.0%}). {errors.total():,} of {sent.total():,} requests"
        " failed; each answer was compared with that to the same request sent alone.",
        "",
        "| minute | PSS MB | open files | threads | answers | p50 ms | p99 ms |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one.seconds / 60:.1f} | {one.memory:,.0f} | {one.files} | {one.threads} |"
        f" {one.answers:,} | {one.p50:.1f} | {one.p99:.1f} |"
        for one in samples
    ]
    lines += ["", "| request | times |", "| --- | ---: |"]
    lines += [f"| {kind} | {count:,} |" for kind, count in sent.most_common()]
    if errors:
        lines += ["", "| error | times |", "| --- | ---: |"]
        lines += [f"| {kind} | {count:,} |" for kind, count in errors.most_common(20)]
    return "\n".join(lines) + "\n"
