"""`python -m tests.fuzz [TARGET …] --seconds N`: look for bytes that a reader does not refuse.

Atheris, which needs Linux on x86, follows the branches that the readers take. What breaks one is
written beside its name into `crash-…` and belongs into the tests.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import atheris
import typer

MOST_MEMORY_MB = 1024
LONGEST = 65_536


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Targets; all if none.")] = None,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds for each.")] = 30,
) -> None:
    """Fuzz every target in a process of its own; end with 1 where one breaks."""
    from tests.fuzz.targets import TARGETS

    broken = []
    for name in names or list(TARGETS):
        with tempfile.TemporaryDirectory() as corpus:
            for number, example in enumerate(TARGETS[name][1]):
                (Path(corpus) / str(number)).write_bytes(example)
            command = [sys.executable, "-m", "tests.fuzz", "--one", name, corpus]
            command += [f"-max_total_time={seconds}", f"-rss_limit_mb={MOST_MEMORY_MB}"]
            command += [f"-max_len={LONGEST}", "-timeout=10", f"-artifact_prefix=crash-{name}-"]
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        last = [line for line in done.stderr.splitlines() if line.startswith(("Done", "#"))]
        print(f"{name}: {last[-1] if last and not done.returncode else done.stderr[-2000:]}")
        if done.returncode:
            broken.append(name)
    sys.exit(f"broken: {', '.join(broken)}" if broken else 0)


def _one(name: str, arguments: list[str]) -> None:
    with atheris.instrument_imports(include=["service", "python_multipart"]):
        from tests.fuzz import targets

    atheris.Setup([sys.argv[0], *arguments], lambda data: targets.run(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _one(sys.argv[2], sys.argv[3:])
    else:
        typer.run(main)
