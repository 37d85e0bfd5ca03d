"""Times explainers, each in a process of its own, and compares their results with convlens'."""

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

# Seconds before the measurement: explainers trace graphs and load fonts at first.
WARM_UP_S = 0.5


@dataclass(slots=True)
class Explainer:
    """A library; `explainers/NAME/requirements.txt` exists if it needs a virtual environment."""

    name: str
    title: str
    taken: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds of every call, by task, of all rounds."""

    @property
    def folder(self) -> Path:
        """The folder of its requirements.txt."""
        return FOLDER / self.name


EXPLAINERS = (
    ("convlens", "convlens"),
    ("keras", "Keras 3 by hand"),
    ("keract", "keract 4.5"),
    ("tf-explain", "tf-explain 0.3"),
)


class Running:
    """The process of an explainer, which `explainers/worker.py` runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, method: str, *arguments: object) -> Any:
        """Calls a method of the worker; returns its result."""
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
    """Times every task of all explainers in turn in every round.

    Also returns the differences of each explainer's arrays from convlens', by explainer and array.
    `digits` are uint8 (n, 28, 28, 1), `labels` (n,).
    """
    explainers = [Explainer(*one) for one in EXPLAINERS]
    with running_server.exit_on_sigterm(), TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "digits.npz"
        np.savez(file, digits=digits, labels=labels)
        running = {
            one.name: stack.enter_context(_running(one, model, file, home)) for one in explainers
        }
        tasks = {name: one.call("tasks") for name, one in running.items()}
        found = {name: _answers(one, tasks[name], Path(folder)) for name, one in running.items()}
        for name, one in running.items():
            for task in TASKS:
                if task in tasks[name]:
                    one.call("time", task, WARM_UP_S)
        for _ in range(rounds):
            for task in TASKS:
                for explainer in explainers:
                    if task in tasks[explainer.name]:
                        taken = running[explainer.name].call("time", task, seconds)
                        explainer.taken.setdefault(task, []).extend(taken)
    right = found.pop("convlens")
    return explainers, {name: differences(right, one) for name, one in found.items()}


def differences(
    right: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]
) -> dict[str, float]:
    """The largest difference of each array, as a share of the largest absolute value of `right`."""
    return {
        name: float(np.abs(values - right[name]).max() / np.abs(right[name]).max())
        for name, values in found.items()
    }


def _answers(running: Running, tasks: Sequence[str], folder: Path) -> dict[str, NDArray[Any]]:
    """The arrays that an explainer gives for all digits, by name."""
    arrays: dict[str, NDArray[Any]] = {}
    for task in ("maps", "heat"):
        if task in tasks:
            path = folder / f"{task}.npz"
            running.call("keep", task, str(path))
            with np.load(path) as file:
                arrays |= {name: file[name] for name in file.files}
    return arrays


@contextmanager
def _running(explainer: Explainer, model: Path, digits: Path, home: Path) -> Iterator[Running]:
    """Starts the process of `explainer`, with Keras 2 if it has its own requirements.txt."""
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
