"""A finished experiment becomes a JSON file: its recipe, figures, time, versions and processor."""

import platform
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from service.manifest import Manifest
from training.errors import DataError
from training.recipes import RECIPES, Recipe

_DEFAULTS = {
    one.name: one.default
    for one in fields(Recipe)
    if one.default is not MISSING and one.name in RECIPES["mnist-lecture"].describe()
}


class Result(BaseModel):
    """One finished experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    recipe: dict[str, str | int | float | bool | None]
    accuracy: float
    """On the test images, in 0..1."""
    loss: float
    """Mean cross-entropy on the test images."""
    images: int
    """The number of test images."""
    remark: str | None
    parameters: int
    history: dict[str, list[float]]
    """loss, accuracy, val_loss and val_accuracy, one value per epoch."""
    seconds: float
    """Processor time of training, summed over all cores."""
    threads: int
    libraries: dict[str, str]
    processor: str

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        accuracies = self.history["val_accuracy"]
        return accuracies.index(max(accuracies)) + 1

    def is_of(self, recipe: Recipe) -> bool:
        """Whether `recipe` gave this result; fields newer than the result must have defaults."""
        return {**_DEFAULTS, **self.recipe} == recipe.describe()

    def write(self, path: Path) -> None:
        """Write the result to `path` atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        partial.replace(path)


def read(path: Path) -> Result | None:
    """The result in `path`, or None if there is no file. Raises DataError if it is damaged."""
    try:
        return Result.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as problem:
        raise DataError(f"{path} is not a result; remove it to train again.") from problem


def collect(
    name: str,
    recipe: Recipe,
    manifest: Manifest,
    history: Mapping[str, list[float]],
    seconds: float,
    threads: int,
) -> Result:
    """The result of a run whose model has `manifest`."""
    metrics = manifest.metrics
    return Result(
        name=name,
        recipe=recipe.describe(),
        accuracy=metrics.accuracy,
        loss=round(metrics.loss, 4),
        images=metrics.images,
        remark=metrics.remark,
        parameters=manifest.parameters,
        history={key: [round(one, 4) for one in figures] for key, figures in history.items()},
        seconds=round(seconds, 1),
        threads=threads,
        libraries=manifest.libraries,
        processor=_processor(),
    )


def _processor() -> str:
    """The processor's name from Linux, or its architecture on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
