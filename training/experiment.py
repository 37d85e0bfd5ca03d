"""A recipe and a data set become a model folder: trained, evaluated on test images, exported."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf
from rich.console import Console

from service.manifest import Manifest
from training.datasets.named import Dataset
from training.exporting import from_keras, write_model
from training.fitting import loop
from training.recipes import Recipe


def train_and_export(
    recipe: Recipe,
    dataset: Dataset,
    target: Path,
    console: Console,
    *,
    checkpoint: Path | None = None,
    callbacks: Sequence[loop.Callback] = (),
) -> tuple[Manifest, Mapping[str, list[float]]]:
    """Write the model to `target`, .../<name>/<version>.

    Returns its manifest and its history, which maps loss, accuracy, val_loss and val_accuracy to
    one value per epoch. `checkpoint` and `callbacks` are those of `loop.fit`. Raises TrainingError.
    """
    network, state = loop.fit(recipe, dataset, console, checkpoint=checkpoint, callbacks=callbacks)
    layers = from_keras.convert(network)
    with console.status(f"Evaluating on {len(dataset.test):,} test images and exporting"):
        record = {**recipe.describe(), **loop.outcome(state)}
        return write_model.export(layers, dataset, record, target, calibrate=True), state.history


def use_threads(count: int) -> int:
    """Let TensorFlow use `count` threads per operation, and return the number that it uses.

    The order of additions, and so their rounding, depends on the number of threads: a reproducible
    run needs the same number. Once TensorFlow has computed anything the number is fixed; the
    returned one then is the old one, where 0 means all cores.
    """
    threading = tf.config.threading
    try:
        threading.set_intra_op_parallelism_threads(count)
    except RuntimeError:
        return int(threading.get_intra_op_parallelism_threads())
    return count
