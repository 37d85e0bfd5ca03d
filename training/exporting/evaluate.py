"""A bundle and a data set become the confidence it may have, and the figures that it reaches."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from service.manifest import Metrics
from training.datasets.named import Dataset, Split
from training.exporting import calibration, foreign_images
from training.exporting.calibration import Confidence
from training.exporting.saved_model import Bundle

BATCH = 500
KNOWN = 10_000
"""Training images that the features of the known are taken from."""

Floats = NDArray[np.float64]


def calibrate(bundle: Bundle, dataset: Dataset) -> Confidence:
    """The temperature and the sense of the unfamiliar, from training and validation images."""
    known = Split(dataset.train.images[:KNOWN], dataset.train.labels[:KNOWN])
    found, _ = _features(bundle, known.images)
    held = (*_features(bundle, dataset.validation.images), dataset.validation.labels)
    return calibration.calibrate((found, known.labels), held)


def measure(bundle: Bundle, dataset: Dataset) -> Metrics:
    """What the exported graph does on all test images and, if it can tell, on foreign ones."""
    run = tf.function(bundle.predict)
    outputs = _collected(run, dataset.test.images)
    rows, labels = outputs["probabilities"], dataset.test.labels
    right = rows.argmax(axis=1) == labels
    chosen = np.maximum(rows[np.arange(len(labels)), labels], np.finfo(np.float32).tiny)
    familiar = outputs.get("unfamiliar")
    return Metrics(
        accuracy=float(right.mean()),
        loss=float(-np.log(chosen).mean()),
        images=len(labels),
        remark=dataset.remark,
        calibration_error=round(calibration.calibration_error(rows, labels), 5),
        foreign=None if familiar is None else _foreign(run, dataset.shape, familiar),
        unfamiliar=None if familiar is None else float((familiar > 0.5).mean()),
    )


def _foreign(run: Any, shape: tuple[int, int, int], familiar: Floats) -> dict[str, float]:
    return {
        kind: round(calibration.auroc(familiar, _collected(run, images)["unfamiliar"]), 5)
        for kind, images in foreign_images.drawings(shape).items()
    }


def _features(bundle: Bundle, images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    run = tf.function(bundle.features)
    pairs = [run(tf.constant(batch)) for batch in _batches(images)]
    found, logits = (
        np.concatenate([np.asarray(one) for one in part]) for part in zip(*pairs, strict=True)
    )
    return found.astype(np.float64), logits.astype(np.float64)


def _collected(run: Any, images: NDArray[np.uint8]) -> dict[str, Floats]:
    answers = [run(tf.constant(batch)) for batch in _batches(images)]
    return {
        name: np.concatenate([answer[name].numpy() for answer in answers]).astype(np.float64)
        for name in answers[0]
    }


def _batches(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), BATCH):
        yield images[start : start + BATCH]
