"""Recipes by name become results in a folder; what is finished stays, what was stopped goes on.

The folder holds `results/<name>.json`, `checkpoints/<name>.npz` while a run is unfinished, and the
trained models under `models/`.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from training import experiment, recipes
from training.datasets import named
from training.exporting import write_model
from training.recipes import Recipe
from training.reproduction import results
from training.reproduction.results import Result


def reproduce(
    names: Iterable[str], data_folder: Path | None, folder: Path, console: Console, threads: int
) -> Iterator[Result]:
    """Each experiment's result as soon as it is there. Raises TrainingError.

    KeyboardInterrupt leaves a checkpoint, from which the next call goes on.
    """
    chosen = {name: recipes.find(name) for name in names}
    used = experiment.use_threads(threads)
    for number, (name, recipe) in enumerate(chosen.items(), 1):
        console.rule(f"{name}, {number} of {len(chosen)}", align="left")
        result = results.read(folder / "results" / f"{name}.json")
        if result is not None and result.is_of(recipe) and result.threads == used:
            console.print(f"Finished before: {result.accuracy:.2%} on the test images.")
        else:
            result = _run(name, recipe, data_folder, folder, console, used)
        yield result


def _run(
    name: str,
    recipe: Recipe,
    data_folder: Path | None,
    folder: Path,
    console: Console,
    threads: int,
) -> Result:
    checkpoint = folder / "checkpoints" / f"{name}.npz"
    models = folder / "models"
    target = models / name / str(write_model.vacant(models, name, None))
    dataset = named.load(recipe.data, data_folder, recipe.validation)
    clock = _Clock(checkpoint.with_suffix(".seconds.json"))
    manifest, history = experiment.carry_out(
        recipe, dataset, target, console, checkpoint=checkpoint, watchers=[clock]
    )
    result = results.collect(name, recipe, manifest, history, clock.total, threads)
    result.write(folder / "results" / f"{name}.json")
    checkpoint.unlink()
    clock.file.unlink()
    remark = f" ({result.remark})" if result.remark else ""
    console.print(f"{result.accuracy:.2%} on {result.images:,} test images{remark}", soft_wrap=True)
    return result


class _Clock:
    """Seconds of a core that each epoch took, in a file that outlives an interruption."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._epochs: list[float] = json.loads(file.read_text()) if file.exists() else []
        self._last = time.process_time()

    @property
    def total(self) -> float:
        return sum(self._epochs)

    def __call__(self, epoch: int, figures: Mapping[str, float], network: Any) -> None:
        now = time.process_time()
        self._epochs.append(round(now - self._last, 1))
        self._last = now
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self._epochs))
