"""`python -m benchmarks.servers.rate_storage URI ...`: what counting one request costs, by storage.

    apt-get install redis-server memcached; pip install redis pymemcache
    python -m benchmarks.servers.rate_storage redis://127.0.0.1:6379 memcached://127.0.0.1:11211

`memory://`, which each process has for itself, and `shared://`, our own in SQLite, are measured as
well. As many processes as there are cores count at once.
"""

import os
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from benchmarks import machine, markdown
from service.http import rate_limit as rate_limit  # Registers shared://.

CLIENTS = [f"10.0.{i // 250}.{i % 250}" for i in range(1_000)]
ROUNDS = 7
REQUESTS = 2_000


def main(
    uris: Annotated[
        list[str] | None, typer.Argument(help="Further storages of the library limits.")
    ] = None,
) -> None:
    """Prints the wall time and the CPU time of the counting process for one request, in µs."""
    processes = len(os.sched_getaffinity(0))
    print("\n".join(f"- {line}" for line in machine.describe(("limits",))))
    print(f"- {processes} processes count at once; medians of {ROUNDS} rounds\n")
    shared_memory = Path("/dev/shm")
    with TemporaryDirectory(dir=shared_memory if shared_memory.exists() else None) as folder:
        rows = []
        for uri in ("memory://", f"shared://{folder}/rate", *(uris or ())):
            # `spawn`, since a connection must not be shared by forked processes.
            with get_context("spawn").Pool(processes) as pool:
                found = pool.map(cost, [uri] * processes, chunksize=1)
            wall, cpu = (median(times) for times in zip(*found, strict=True))
            rows.append([uri.partition(":")[0], f"{wall:.0f}", f"{cpu:.0f}"])
    print(markdown.table(["storage", "wall µs", "CPU µs"], rows))


def cost(uri: str) -> Sequence[float]:
    """The wall time and the CPU time of this thread for one request of 1,000 clients, in µs."""
    limiter = FixedWindowRateLimiter(storage_from_string(uri))
    limit = parse("1000000/minute")
    rounds = []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.thread_time()
        for i in range(REQUESTS):
            limiter.hit(limit, CLIENTS[i % len(CLIENTS)])
        rounds.append((time.perf_counter() - wall, time.thread_time() - cpu))
    return [1e6 * median(times) / REQUESTS for times in zip(*rounds, strict=True)]


if __name__ == "__main__":
    typer.run(main)
