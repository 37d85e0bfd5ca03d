"""The state of a training run becomes an .npz file without pickles, and the file the state."""

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
class TrainingState:
    """Progress and figures of a run: completed epochs, and steps of the current one."""

    epoch: int = 0
    step: int = 0
    seen: int = 0
    """Images seen in this epoch."""
    right: int = 0
    """How many of them were classified correctly."""
    loss: float = 0.0
    """Their summed loss."""
    seconds: float = 0.0
    """Wall-clock time of training, without the pauses between interrupted runs."""
    history: dict[str, list[float]] = field(default_factory=dict)
    """loss, accuracy, val_loss and val_accuracy, one value per epoch."""
    best: Arrays = field(default_factory=list)
    """The network's weights after the epoch with the highest validation accuracy."""

    @property
    def best_accuracy(self) -> float:
        """The highest validation accuracy so far; -1 before the first epoch."""
        return max(self.history.get("val_accuracy", []), default=-1.0)

    def advance(self, loss: float, right: int, count: int) -> None:
        """Count one more step: the mean loss of `count` images, `right` of them correct."""
        self.step += 1
        self.seen += count
        self.right += right
        self.loss += loss * count

    def close_epoch(self, figures: dict[str, float]) -> None:
        """Count one more epoch and append its figures to the history."""
        for name, figure in figures.items():
            self.history.setdefault(name, []).append(figure)
        self.epoch += 1
        self.step, self.seen, self.right, self.loss = 0, 0, 0, 0.0


def save(path: Path, variables: Sequence[Any], state: TrainingState, recipe: Recipe) -> None:
    """Write variables and state to `path` atomically: it is always the old or the new file."""
    arrays: dict[str, Any] = {f"variable{i}": np.asarray(one) for i, one in enumerate(variables)}
    arrays |= {f"best{i}": one for i, one in enumerate(state.best)}
    counts = {key: value for key, value in vars(state).items() if key != "best"}
    note = json.dumps({"position": counts, "recipe": recipe.describe()})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    with open(partial, "wb") as file:
        np.savez(file, note=np.array(note), **arrays)
    partial.replace(path)


def load(path: Path, variables: Sequence[Any], recipe: Recipe) -> TrainingState:
    """Set `variables` to the file's values and return the state of its run.

    Raises RecipeError if the file is damaged or from another recipe. The recipes' numbers of epochs
    may differ as long as neither learning rate nor image size has depended on it.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            note = json.loads(str(file["note"]))
            _require_same_recipe(path, note, recipe)
            for i, variable in enumerate(variables):
                variable.assign(file[f"variable{i}"])
            best = [file[f"best{i}"] for i in range(sum(n.startswith("best") for n in file.files))]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as problem:
        raise RecipeError(
            f"{path} is damaged or of another network. Remove it to start anew."
        ) from problem
    return TrainingState(**note["position"], best=best)


def _require_same_recipe(path: Path, note: dict[str, Any], recipe: Recipe) -> None:
    found, expected = note["recipe"], json.loads(json.dumps(recipe.describe()))
    differing = {key for key in found | expected if found.get(key) != expected.get(key)}
    if note["position"]["epoch"] <= _independent_epochs(found, expected):
        differing -= {"epochs"}
    if differing:
        raise RecipeError(
            f"{path} is from a run with another {', '.join(sorted(differing))}."
            " Remove it or choose another file."
        )


def _independent_epochs(found: dict[str, Any], expected: dict[str, Any]) -> float:
    """The number of first epochs in which rate and image size are the same for both recipes."""
    level_share = {"constant": 1.0, "trapezoid": 1.0 - expected["cooldown"]}
    if expected["schedule"] not in level_share:
        return -1.0
    epochs: int = min(found["epochs"], expected["epochs"])
    share: float = min(level_share[expected["schedule"]], expected["coarse_share"] or 1.0)
    return epochs * share
