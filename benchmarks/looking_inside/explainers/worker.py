"""Runs an explainer: a line of JSON on stdin is a method call, a line on stdout its result.

`python -m benchmarks.looking_inside.explainers.worker MODULE MODEL DIGITS.npz` runs with the
explainer's own interpreter; DIGITS.npz holds `digits`, uint8 (n, 28, 28, 1), and `labels`, (n,).
"""

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

LABELLED = ("grad_cam", "occlusion", "heat")


class Worker:
    """Calls an explainer with digits in turn."""

    def __init__(
        self, explainer: Any, digits: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> None:
        self._explainer = explainer
        self._digits, self._labels = digits, labels.tolist()
        self._turns = {task: count() for task in ("maps", "picture", *LABELLED)}

    def tasks(self) -> list[str]:
        """The tasks that this explainer supports."""
        return [task for task in self._turns if hasattr(self._explainer, task)]

    def time(self, task: str, seconds: float) -> list[float]:
        """Calls `task` for `seconds`, one digit a call; returns the milliseconds of each call."""
        work = self._work(task)
        taken: list[float] = []
        until = time.perf_counter() + seconds
        while not taken or time.perf_counter() < until:
            i = next(self._turns[task]) % len(self._digits)
            began = time.perf_counter()
            work(i)
            taken.append(1000 * (time.perf_counter() - began))
        return taken

    def keep(self, task: str, path: str) -> int:
        """Writes the results for all n digits into an .npz, arrays (n, …) by name; returns n."""
        found = [self._work(task)(i) for i in range(len(self._digits))]
        rows = [one if isinstance(one, dict) else {task: one} for one in found]
        arrays: dict[str, Any] = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        np.savez(path, **arrays)
        return len(rows)

    def _work(self, task: str) -> Callable[[int], Any]:
        method = getattr(self._explainer, task)
        if task in LABELLED:
            return lambda i: method(self._digits[i], self._labels[i])
        return lambda i: method(self._digits[i])


def main(module: str, model: str, file: str) -> None:
    """Serves calls until stdin ends.

    Results go to a copy of stdout, and stdout itself to /dev/null, because explainers print.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    loaded = np.load(file)
    with TemporaryDirectory() as folder, contextlib.closing(answers):
        explainer = importlib.import_module(module).Explainer(Path(model), Path(folder))
        worker = Worker(explainer, loaded["digits"], loaded["labels"])
        for line in sys.stdin:
            method, *arguments = json.loads(line)
            answers.write(json.dumps(getattr(worker, method)(*arguments)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
