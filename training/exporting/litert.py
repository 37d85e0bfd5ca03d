"""A SavedModel and its layers become a LiteRT model and an .npz file of the weights."""

import contextlib
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from service.manifest import LITE, WEIGHTS
from training.networks.layers import ExportedLayer

SIGNATURES = ("serving_default", "activations", "ablation")
"""The signatures that LiteRT can compute: it has no gradients, so no Grad-CAM."""


def write(network: Sequence[ExportedLayer], signatures: Iterable[str], folder: Path) -> None:
    """Convert the SavedModel in `folder`, in float32 without quantisation, and save its weights.

    `signatures` are those of the SavedModel. The weights are named `<layer>/<weight>`.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder), signature_keys=[name for name in SIGNATURES if name in signatures]
    )
    with _quiet():
        converted = converter.convert()
    (folder / LITE).write_bytes(converted)
    arrays: dict[str, Any] = {
        f"{layer.name}/{what}": values
        for layer in network
        for what, values in layer.weights.items()
    }
    np.savez(folder / WEIGHTS, **arrays)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the converter's progress messages, which do not help a user."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
