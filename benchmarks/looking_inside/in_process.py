"""Explainers without a server, each in a process of its own, become milliseconds an answer."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import environments, running_server

FOLDER = Path(__file__).parent / "explainers"

TASKS = {
    "maps": "all maps as arrays",
    "picture": "conv1 as PNG",
    "grad_cam": "Grad-CAM as PNG",
    "occlusion": "occlusion at 14×14 places as PNG",
}

# Seconds for what an explainer does at first: graphs are traced, fonts looked for.
WARM = 0.5


@dataclass(slots=True)
class Explainer:
    """`name` with `-` for `_` is the folder of its requirements, if it has any of its own."""

    name: str
    title: str
    taken: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds of every call of a task, of all rounds."""

    @property
    def folder(self) -> Path:
        """Where its requirements are."""
        return FOLDER / self.name


EXPLAINERS = (
    ("convlens", "convlens"),
    ("keras", "Keras 3 by hand"),
    ("keract", "keract 4.5"),
    ("tf-explain", "tf-explain 0.3"),
)


class Running:
    """An explainer's process: a question is a line of JSON, and so is its answer."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, method: str, *arguments: object) -> Any:
        """What the worker's `method` returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def measure(
    model: Path,
    digits: NDArray[np.uint8],
    labels: NDArray[np.int64],
    rounds: int,
    seconds: float,
    home: Path,
) -> tuple[list[Explainer], dict[str, dict[str, float]]]:
    """All explainers in turn in every round, and how far each one's numbers are from convlens'."""
    explainers = [Explainer(*one) for one in EXPLAINERS]
    with running_server.exit_on_sigterm(), TemporaryDirectory() as place, ExitStack() as stack:
        file = Path(place) / "digits.npz"
        np.savez(file, digits=digits, labels=labels)
        running = {
            one.name: stack.enter_context(_running(one, model, file, home)) for one in explainers
        }
        able = {name: one.ask("tasks") for name, one in running.items()}
        found = {name: _answers(one, able[name], Path(place)) for name, one in running.items()}
        for name, one in running.items():
            for task in TASKS:
                if task in able[name]:
                    one.ask("time", task, WARM)
        for _ in range(rounds):
            for task in TASKS:
                for explainer in explainers:
                    if task in able[explainer.name]:
                        taken = running[explainer.name].ask("time", task, seconds)
                        explainer.taken.setdefault(task, []).extend(taken)
    right = found.pop("convlens")
    return explainers, {name: differences(right, one) for name, one in found.items()}


def differences(
    right: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]
) -> dict[str, float]:
    """The largest difference of each array of `found`, as a share of the greatest value there."""
    return {
        name: float(np.abs(values - right[name]).max() / np.abs(right[name]).max())
        for name, values in found.items()
    }


def _answers(running: Running, able: Sequence[str], place: Path) -> dict[str, NDArray[Any]]:
    """The arrays by name that an explainer gives for all digits."""
    arrays: dict[str, NDArray[Any]] = {}
    for task in ("maps", "heat"):
        if task in able:
            path = place / f"{task}.npz"
            running.ask("keep", task, str(path))
            with np.load(path) as file:
                arrays |= {name: file[name] for name in file.files}
    return arrays


@contextmanager
def _running(explainer: Explainer, model: Path, digits: Path, home: Path) -> Iterator[Running]:
    """The process of `explainer`, with Keras 2 where its requirements are of its own."""
    module = f"benchmarks.looking_inside.explainers.with_{explainer.name.replace('-', '_')}"
    python = environments.python_of(explainer, home)
    own = (explainer.folder / "requirements.txt").exists()
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": str(int(own))}
    with subprocess.Popen(
        [
            python,
            "-m",
            "benchmarks.looking_inside.explainers.worker",
            module,
            str(model),
            str(digits),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        yield Running(process)
