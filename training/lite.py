"""A SavedModel's `serving_default` becomes `predict.tflite` beside it, which LiteRT runs faster."""

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from service.manifest import LITE


def write(folder: Path) -> None:
    """Convert the SavedModel in `folder`: the same operations in float32, nothing quantised."""
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder), signature_keys=["serving_default"]
    )
    with _quiet():
        converted = converter.convert()
    (folder / LITE).write_bytes(converted)


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
