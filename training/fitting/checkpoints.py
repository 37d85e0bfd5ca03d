"""Where a run stands becomes one file and comes back: an .npz without pickles, written whole."""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import RecipeError
from training.recipes import Recipe

Arrays = list[NDArray[Any]]


@dataclass
class Position:
    """How far a run is: epochs done, steps of the next one done, and what came of them."""

    epoch: int = 0
    step: int = 0
    seen: int = 0
    right: int = 0
    loss: float = 0.0
    """Summed over the images seen in this epoch."""
    seconds: float = 0.0
    """How long all of this took, pauses between runs left out."""
    history: dict[str, list[float]] = field(default_factory=dict)
    best: Arrays = field(default_factory=list)
    """The network's weights after the epoch with the best validation accuracy."""

    @property
    def best_accuracy(self) -> float:
        """The highest validation accuracy so far, or -1."""
        return max(self.history.get("val_accuracy", []), default=-1.0)

    def advance(self, loss: float, right: int, count: int) -> None:
        """One step more: the mean loss of `count` images, and how many were right."""
        self.step += 1
        self.seen += count
        self.right += right
        self.loss += loss * count

    def close_epoch(self, figures: dict[str, float]) -> None:
        """One epoch more, with its figures."""
        for name, figure in figures.items():
            self.history.setdefault(name, []).append(figure)
        self.epoch += 1
        self.step, self.seen, self.right, self.loss = 0, 0, 0, 0.0


def save(path: Path, variables: Sequence[Any], position: Position, recipe: Recipe) -> None:
    """Write all of it to `path`, which at any moment is the old file or the new one."""
    arrays: dict[str, Any] = {f"variable{i}": np.asarray(one) for i, one in enumerate(variables)}
    arrays |= {f"best{i}": one for i, one in enumerate(position.best)}
    counts = {key: value for key, value in vars(position).items() if key != "best"}
    note = json.dumps({"position": counts, "recipe": recipe.describe()})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    with open(partial, "wb") as file:
        np.savez(file, note=np.array(note), **arrays)
    partial.replace(path)


def load(path: Path, variables: Sequence[Any], recipe: Recipe) -> Position:
    """Put the file's values into `variables` and say where the run stands.

    Raises RecipeError when the file is of another recipe or damaged. The number of epochs may
    differ while neither learning rate nor images have depended on it.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            note = json.loads(str(file["note"]))
            _require_same(path, note, recipe)
            for i, variable in enumerate(variables):
                variable.assign(file[f"variable{i}"])
            best = [file[f"best{i}"] for i in range(sum(n.startswith("best") for n in file.files))]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as problem:
        raise RecipeError(
            f"{path} is damaged or of another network. Remove it to start anew."
        ) from problem
    return Position(**note["position"], best=best)


def _require_same(path: Path, note: dict[str, Any], recipe: Recipe) -> None:
    found, expected = note["recipe"], json.loads(json.dumps(recipe.describe()))
    differing = {key for key in found | expected if found.get(key) != expected.get(key)}
    if note["position"]["epoch"] <= _free(found, expected):
        differing -= {"epochs"}
    if differing:
        raise RecipeError(
            f"{path} is of a run with another {', '.join(sorted(differing))}."
            " Remove it or name another file."
        )


def _free(found: dict[str, Any], expected: dict[str, Any]) -> float:
    """The epochs in which rate and images are the same, however many there will be."""
    level = {"constant": 1.0, "trapezoid": 1.0 - expected["cooldown"]}
    if expected["schedule"] not in level:
        return -1.0
    fewer: int = min(found["epochs"], expected["epochs"])
    share: float = min(level[expected["schedule"]], expected["coarse_share"] or 1.0)
    return fewer * share
