"""A recipe and a data set become a model on disk: fitted, measured on the test images, exported."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf
from rich.console import Console

from service.manifest import Manifest
from training.datasets.named import Dataset
from training.exporting import from_keras, write_model
from training.fitting import loop
from training.recipes import Recipe


def carry_out(
    recipe: Recipe,
    dataset: Dataset,
    target: Path,
    console: Console,
    *,
    checkpoint: Path | None = None,
    watchers: Sequence[loop.Watcher] = (),
) -> tuple[Manifest, Mapping[str, list[float]]]:
    """Write the model to `target`, .../<name>/<version>; its manifest and the figures an epoch.

    `checkpoint` and `watchers` are those of `fit.fit`. Raises TrainingError.
    """
    network, position = loop.fit(recipe, dataset, console, checkpoint=checkpoint, watchers=watchers)
    nodes = from_keras.convert(network)
    with console.status(f"Evaluating on {len(dataset.test):,} test images and exporting"):
        record = {**recipe.describe(), **loop.outcome(position)}
        return write_model.export(nodes, dataset, record, target, honest=True), position.history


def use_threads(count: int) -> int:
    """Let TensorFlow use `count` threads for one operation; how many it uses, 0 for all cores.

    Sums round by how they are shared out, so the same figures need the same number. It cannot
    change once TensorFlow has computed anything.
    """
    threading = tf.config.threading
    try:
        threading.set_intra_op_parallelism_threads(count)
    except RuntimeError:
        return int(threading.get_intra_op_parallelism_threads())
    return count
