"""Features and logits of a data set become a calibration: a temperature and the arrays of a score.

The temperature is that of Guo et al. (2017), "On Calibration of Modern Neural Networks". The
out-of-distribution score is the Mahalanobis distance to the nearest class (Lee et al. 2018) plus
the energy E = −log Σ exp(logits) (Liu et al. 2020), each divided by its standard deviation over the
validation images. The distance is measured in the means of the first convolutions' maps, the
penultimate layer, and the contrast of the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.networks.layers import ExportedLayer

Floats = NDArray[np.float64]

BINS = 15
"""Bins of the expected calibration error."""
SHRINKAGE = 0.1
"""Weight of the identity in the estimated covariance, which makes it invertible."""
MAX_FEATURES = 512
"""Most features from the maps, and most from the penultimate layer: the whitening matrix grows with
their square and would become larger than the network."""


@dataclass(frozen=True)
class Calibration:
    """A temperature, and the arrays of the out-of-distribution score by name (none: no score)."""

    temperature: float = 1.0
    arrays: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def features(network: Sequence[ExportedLayer], outputs: dict[str, Any], scaled: Any) -> Any:
    """The features (n, features), float32, in which the distance is measured.

    `outputs` are the layers' outputs, by name, for the images `scaled` (n, h, w, c) in 0..1.
    """
    parts = [tf.reduce_mean(outputs[layer.name], (1, 2)) for layer in _first_convolutions(network)]
    penultimate: Any = outputs.get(network[-1].inputs[0])
    if penultimate is not None and len(penultimate.shape) == 2:
        parts += [penultimate] if penultimate.shape[1] <= MAX_FEATURES else []
    centred = scaled - tf.reduce_mean(scaled, (1, 2), keepdims=True)
    contrast = tf.sqrt(tf.reduce_mean(centred * centred, (1, 2, 3)))
    return tf.concat([*parts, tf.math.log(contrast + 1e-3)[:, tf.newaxis]], axis=1)


def _first_convolutions(network: Sequence[ExportedLayer]) -> list[ExportedLayer]:
    """The first convolutions, as many as have at most MAX_FEATURES maps in total."""
    convolutions = [layer for layer in network if layer.kind == "convolution"]
    totals = accumulate(layer.weights["kernel"].shape[-1] for layer in convolutions)
    pairs = zip(convolutions, totals, strict=True)
    return [layer for layer, total in pairs if total <= MAX_FEATURES]


def out_of_distribution_score(arrays: dict[str, Any], found: Any, logits: Any) -> Any:
    """The score (n,) in 0..1, from features (n, features) and logits (n, classes).

    One validation image in a hundred scores above 0.5; a typical one scores 1/(1 + e⁴), about 0.02.
    """
    distance = _distance(arrays, found) / arrays["distance"]
    negative_energy = _log_sum_exp(logits) / arrays["energy"]
    return tf.sigmoid((distance - negative_energy - arrays["middle"]) / arrays["width"])


def calibrate(
    training: tuple[Floats, NDArray[np.int64]],
    validation: tuple[Floats, Floats, NDArray[np.int64]],
) -> Calibration:
    """The calibration of a network by its features (n, features) and logits (n, classes).

    `training` holds features and labels (n,) of training images, from which the classes' means and
    covariance are estimated. `validation` holds features, logits and labels of validation images,
    which decide the temperature and the scale of the score.
    """
    found, logits, labels = validation
    arrays = _class_distances(*training)
    distance = _distance(arrays, tf.constant(found, tf.float32)).numpy()
    negative_energy = _log_sum_exp(tf.constant(logits, tf.float32)).numpy()
    arrays |= {"distance": _deviation(distance), "energy": _deviation(negative_energy)}
    sums = distance / arrays["distance"] - negative_energy / arrays["energy"]
    median, high = np.quantile(sums, [0.5, 0.99])
    # The median is four widths below the middle, so that a typical image scores sigmoid(−4).
    arrays |= {"middle": np.float32(high), "width": np.float32(max(high - median, 1e-3) / 4)}
    return Calibration(temperature(logits, labels), {k: np.asarray(v) for k, v in arrays.items()})


def temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The T in 0.1..10 for which softmax(logits / T) has the least cross-entropy."""
    tried = np.exp(np.linspace(np.log(0.1), np.log(10), 461))
    losses = [cross_entropy(logits / one, labels) for one in tried]
    return float(tried[int(np.argmin(losses))])


def cross_entropy(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The mean of −log softmax(logits)[label] over logits (n, classes) and labels (n,)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return float((log_sums - shifted[np.arange(len(labels)), labels]).mean())


def calibration_error(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """The expected calibration error over BINS bins of equal width (Naeini et al. 2015), in 0..1.

    `probabilities` is (n, classes), `labels` (n,).
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == i].sum() - correct[bins == i].sum()) for i in range(BINS)]
    return float(sum(gaps) / len(labels))


def auroc(familiar: Floats, foreign: Floats) -> float:
    """The area under the ROC curve of a score that should be higher for `foreign` images.

    It is the probability that a foreign image scores above a familiar one, ties counted half.
    """
    order = np.sort(familiar)
    below = np.searchsorted(order, foreign, "left") + np.searchsorted(order, foreign, "right")
    return float(below.mean() / (2 * len(familiar)))


def _class_distances(found: Floats, labels: NDArray[np.int64]) -> dict[str, Any]:
    """The whitening matrix of the classes' common covariance, and the whitened class means."""
    scale = found.std(axis=0)
    scale = scale + 1e-3 * scale.mean() + 1e-6
    scaled = found / scale
    classes, indices = np.unique(labels, return_inverse=True)
    means = np.stack([scaled[labels == one].mean(axis=0) for one in classes])
    within = np.cov((scaled - means[indices]).T)
    spread = max(np.trace(within) / len(within), 1e-6)
    covariance = (1 - SHRINKAGE) * within + SHRINKAGE * spread * np.eye(len(within))
    whitening = np.linalg.cholesky(np.linalg.inv(covariance)) / scale[:, np.newaxis]
    return {
        "whitening": whitening.astype(np.float32),
        "means": ((means * scale) @ whitening).astype(np.float32),
    }


def _distance(arrays: dict[str, Any], found: Any) -> Any:
    whitened = tf.matmul(found, arrays["whitening"])[:, tf.newaxis] - arrays["means"]
    return tf.sqrt(tf.reduce_min(tf.reduce_sum(whitened * whitened, axis=2), axis=1))


def _log_sum_exp(logits: Any) -> Any:
    top = tf.reduce_max(logits, axis=1)
    return top + tf.math.log(tf.reduce_sum(tf.exp(logits - top[:, tf.newaxis]), axis=1))


def _deviation(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(values.std() + 1e-6, np.float32)
