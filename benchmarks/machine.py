"""Describes the machine, the date and the commit that a table of figures was made on."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def describe(packages: Iterable[str] = ("tensorflow-cpu", "numpy", "pillow")) -> list[str]:
    """Lines: date, commit, processor, cores, memory, system, package versions, load average."""
    packages_ = ", ".join(f"{name} {version(name)}" for name in packages)
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}",
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory():.0f} GB",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"convlens {version('convlens')}, {packages_}",
        f"load on the same cores before the start: {os.getloadavg()[0]:.1f}",
    ]


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "?")


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
