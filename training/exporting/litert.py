"""A SavedModel and its nodes become what LiteRT runs, and the weights as a file of arrays."""

import contextlib
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from service.manifest import LITE, WEIGHTS
from training.networks.layers import Node

SIGNATURES = ("serving_default", "activations", "ablation")
"""Those that LiteRT can compute: it has no gradients."""


def write(nodes: Sequence[Node], signatures: Iterable[str], folder: Path) -> None:
    """Convert the SavedModel in `folder`: the same operations in float32, nothing quantised."""
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder), signature_keys=[name for name in SIGNATURES if name in signatures]
    )
    with _quiet():
        converted = converter.convert()
    (folder / LITE).write_bytes(converted)
    arrays: dict[str, Any] = {
        f"{node.name}/{what}": values for node in nodes for what, values in node.weights.items()
    }
    np.savez(folder / WEIGHTS, **arrays)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the converter's report of its own progress, which is no user's business."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
