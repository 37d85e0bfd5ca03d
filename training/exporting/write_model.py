"""Layers, a data set and a recipe become a complete model folder <name>/<version>/, or none."""

import os
import platform
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from service.manifest import POOLING, Layer, Manifest, MapStatistics, digest
from training.datasets.named import Dataset, Split
from training.errors import ExportError
from training.exporting import evaluate, golden_inputs, litert
from training.exporting.saved_model import ExportedModel
from training.networks.layers import ExportedLayer

BATCH = 500

RecipeRecord = dict[str, str | int | float | bool | None]


def free_version(models: Path, name: str, version: int | None) -> int:
    """The version to write: `version`, or by default the newest one plus 1.

    Raises ExportError, before anything is trained, if the version exists or cannot be written.
    """
    folder = models / name
    nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ExportError(f"{folder} cannot be made: {nearest} is not a folder to write in.")
    taken = [int(one.name) for one in folder.glob("*") if one.name.isdecimal()]
    if version is None:
        return max(taken, default=0) + 1
    if version in taken:
        raise ExportError(f"{folder / str(version)} exists. Choose another --version.")
    return version


def export(
    network: Sequence[ExportedLayer],
    dataset: Dataset,
    recipe: RecipeRecord,
    folder: Path,
    *,
    calibrate: bool = False,
) -> Manifest:
    """Write the model to `folder`, .../<name>/<version>, and return its manifest.

    The manifest's metrics are those of the exported graph over all test images. If `calibrate`, a
    temperature and an out-of-distribution score are computed from the training and validation
    images. Raises ExportError if the folder exists or cannot be written; then it leaves no files.
    """
    calibration = None
    if calibrate:
        calibration = evaluate.calibrate(ExportedModel(network, dataset.shape), dataset)
    model = ExportedModel(network, dataset.shape, calibration)
    layers = model.layers()
    metrics, statistics = evaluate.measure(model, dataset), _statistics(model, layers, dataset)
    with _atomic_folder(folder) as partial:
        signatures = model.signatures()
        tf.saved_model.save(model, str(partial), signatures=signatures)
        litert.write(network, signatures, partial)
        manifest = Manifest(
            name=folder.parent.name,
            version=int(folder.name),
            labels=dataset.labels,
            input_shape=dataset.shape,
            preparation=dataset.preparation,
            layers=layers,
            parameters=sum(layer.parameters for layer in layers),
            metrics=metrics,
            temperature=1.0 if calibration is None else calibration.temperature,
            statistics=statistics,
            recipe=recipe,
            libraries=_libraries(),
            digest=digest(partial),
            golden=golden_inputs.record(
                dataset.shape, lambda images: model.predict(images)["probabilities"]
            ),
        )
        manifest.write(partial)
    return manifest


@contextmanager
def _atomic_folder(folder: Path) -> Iterator[Path]:
    """A hidden folder beside `folder`: renamed to it at the end, or removed after an error."""
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    created = [one for one in (folder.parent, folder.parent.parent) if not one.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
        if folder.exists():
            raise ExportError(f"{folder} exists. Choose another --version.")
        partial.rename(folder)
    except (OSError, tf.errors.OpError) as problem:
        raise ExportError(f"{folder} could not be written: {_reason(problem)}.") from problem
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        with suppress(OSError):  # Raised for folders that are not empty, which stay.
            for one in created:
                one.rmdir()


def _reason(problem: Any) -> str:
    """The error's text in one line, without TensorFlow's source location."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    first = re.sub(r"\{\{.*?\}\}|\[Op:.*?\]", "", str(problem).splitlines()[0])
    return first.rpartition("; ")[2].strip(" .")


def _statistics(
    model: ExportedModel, layers: Sequence[Layer], dataset: Dataset
) -> dict[str, MapStatistics]:
    """The statistics of each map of the convolution and pooling layers over the test images."""
    run = tf.function(model.activations)
    mapped = [
        layer.name
        for layer in layers
        if (layer.kind == "convolution" or layer.kind in POOLING) and len(layer.output_shape) == 3
    ]
    statistics = {name: _RunningStatistics() for name in mapped}
    for images, _ in _batches(dataset.test):
        outputs = run(tf.constant(images))
        for name, running in statistics.items():
            running.add(outputs[name].numpy())
    return {name: running.result() for name, running in statistics.items()}


class _RunningStatistics:
    """Accumulates the statistics of each map over batches of maps (n, h, w, maps)."""

    def __init__(self) -> None:
        self._cells = 0
        self._zeros: Any = 0
        self._sum: Any = 0
        self._minimum: Any = np.inf
        self._maximum: Any = -np.inf

    def add(self, maps: NDArray[np.float32]) -> None:
        flat = maps.reshape(-1, maps.shape[-1])
        self._cells += len(flat)
        self._zeros += (flat == 0).sum(axis=0)
        self._sum += flat.sum(axis=0, dtype=np.float64)
        self._minimum = np.minimum(self._minimum, flat.min(axis=0))
        self._maximum = np.maximum(self._maximum, flat.max(axis=0))

    def result(self) -> MapStatistics:
        return MapStatistics(
            zeros=_rounded(self._zeros / self._cells),
            minimum=_rounded(self._minimum),
            maximum=_rounded(self._maximum),
            mean=_rounded(self._sum / self._cells),
        )


def _rounded(values: Any) -> tuple[float, ...]:
    """Eight digits, so that a share of zeros just below 1, one active cell in millions, is kept."""
    return tuple(float(f"{value:.8g}") for value in values)


def _batches(split: Split) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    for start in range(0, len(split), BATCH):
        stop = start + BATCH
        yield split.images[start:stop], split.labels[start:stop]


def _libraries() -> dict[str, str]:
    packages = ("keras", "numpy", "convlens")
    versions = {name: version_of(name) for name in packages}
    return {"python": platform.python_version(), "tensorflow": tf.__version__, **versions}
