"""Decodes PNG files into the model's input and makes the JSON answer of its output, for all peers.

Pillow decodes, as in these servers' own examples. The model's signature is called as TensorFlow
recommends, on one thread in each worker, with as many workers as there are cores.
"""

import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]
"""uint8 (n, 28, 28, 1) images or float32 (n, 10) probabilities."""


def decode(data: bytes) -> Array:
    """A PNG of a digit as uint8 (28, 28, 1)."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))[..., np.newaxis]


def load(threads: int = 1) -> Callable[[Array], Array]:
    """The SavedModel in $MODEL: a function from uint8 (n, 28, 28, 1) to probabilities (n, 10)."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    run = tf.saved_model.load(os.environ["MODEL"]).signatures["serving_default"]

    def predict(images: Array) -> Array:
        return run(images=tf.constant(images))["probabilities"].numpy()

    for size in (1, 2, 4, 8, 16, 32, 64):  # Traces each batch size before the first request.
        predict(np.zeros((size, 28, 28, 1), np.uint8))
    return predict


def answer(row: Array) -> dict[str, Any]:
    """The class and the probabilities of one image."""
    return {"label": str(row.argmax()), "probabilities": row.tolist()}
