"""An exported model and a data set become the model's calibration and its test metrics."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from service.manifest import Metrics
from training.datasets.named import Dataset, Split
from training.exporting import calibration, foreign_images
from training.exporting.calibration import Calibration
from training.exporting.saved_model import ExportedModel

BATCH = 500
CALIBRATION_IMAGES = 10_000
"""Training images that the classes' features are estimated from."""

Floats = NDArray[np.float64]


def calibrate(model: ExportedModel, dataset: Dataset) -> Calibration:
    """The temperature and the out-of-distribution score, from training and validation images."""
    some = slice(CALIBRATION_IMAGES)
    train = Split(dataset.train.images[some], dataset.train.labels[some])
    features, _ = _features(model, train.images)
    validation = (*_features(model, dataset.validation.images), dataset.validation.labels)
    return calibration.calibrate((features, train.labels), validation)


def measure(model: ExportedModel, dataset: Dataset) -> Metrics:
    """The metrics of the exported graph over all test images.

    A calibrated model's score is also compared with that of drawn out-of-distribution images.
    """
    run = tf.function(model.predict)
    outputs = _collected(run, dataset.test.images)
    probabilities, labels = outputs["probabilities"], dataset.test.labels
    correct = probabilities.argmax(axis=1) == labels
    of_label = probabilities[np.arange(len(labels)), labels]
    scores = outputs.get("unfamiliar")
    return Metrics(
        accuracy=float(correct.mean()),
        loss=float(-np.log(np.maximum(of_label, np.finfo(np.float32).tiny)).mean()),
        images=len(labels),
        remark=dataset.remark,
        calibration_error=round(calibration.calibration_error(probabilities, labels), 5),
        foreign=None if scores is None else _foreign(run, dataset.shape, scores),
        unfamiliar=None if scores is None else float((scores > 0.5).mean()),
    )


def _foreign(run: Any, shape: tuple[int, int, int], familiar: Floats) -> dict[str, float]:
    """The area under the ROC curve for each kind of drawn image."""
    return {
        kind: round(calibration.auroc(familiar, _collected(run, images)["unfamiliar"]), 5)
        for kind, images in foreign_images.drawings(shape).items()
    }


def _features(model: ExportedModel, images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    run = tf.function(model.features)
    pairs = [run(tf.constant(batch)) for batch in _batches(images)]
    features, logits = (
        np.concatenate([np.asarray(one) for one in part]) for part in zip(*pairs, strict=True)
    )
    return features.astype(np.float64), logits.astype(np.float64)


def _collected(run: Any, images: NDArray[np.uint8]) -> dict[str, Floats]:
    answers = [run(tf.constant(batch)) for batch in _batches(images)]
    return {
        name: np.concatenate([answer[name].numpy() for answer in answers]).astype(np.float64)
        for name in answers[0]
    }


def _batches(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), BATCH):
        yield images[start : start + BATCH]
