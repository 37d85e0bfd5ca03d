"""Names of recipes become results in a folder.

Finished experiments are not trained again, and interrupted ones are resumed. The folder holds
`results/<name>.json`, `checkpoints/<name>.npz` of unfinished runs, and the trained models in
`models/`.
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
    """Yield each experiment's result as soon as it is finished. Raises TrainingError.

    After a KeyboardInterrupt the next call continues from the checkpoint.
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
    target = models / name / str(write_model.free_version(models, name, None))
    dataset = named.load(recipe.data, data_folder, recipe.validation)
    timer = _EpochTimer(checkpoint.with_suffix(".seconds.json"))
    manifest, history = experiment.train_and_export(
        recipe, dataset, target, console, checkpoint=checkpoint, callbacks=[timer]
    )
    result = results.collect(name, recipe, manifest, history, timer.total, threads)
    result.write(folder / "results" / f"{name}.json")
    checkpoint.unlink()
    timer.file.unlink()
    remark = f" ({result.remark})" if result.remark else ""
    console.print(f"{result.accuracy:.2%} on {result.images:,} test images{remark}", soft_wrap=True)
    return result


class _EpochTimer:
    """A callback that keeps each epoch's processor time in a file across interruptions."""

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
