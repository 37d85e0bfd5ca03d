"""Logits and features of known images become a temperature and a measure of the unfamiliar.

Temperature: Guo et al. 2017. Unfamiliar: the Mahalanobis distance (Lee et al. 2018) to the nearest
class, over the means of the first maps, the penultimate layer and the image's contrast, less the
energy (Liu et al. 2020), each in its standard deviations over the validation images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.networks.layers import Node

Floats = NDArray[np.float64]

BINS = 15
SHRINKAGE = 0.1
WIDEST = 512
"""What the distance takes at most from the maps, and at most from the penultimate layer: the matrix
that whitens them would outgrow the network."""


@dataclass(frozen=True)
class Confidence:
    """How sure a network may be: `arrays` by name are what the score is reckoned with."""

    temperature: float = 1.0
    arrays: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def features(nodes: Sequence[Node], outputs: dict[str, Any], scaled: Any) -> Any:
    """What the distance is measured in: (n, features), from one pass over `scaled` images."""
    parts = [tf.reduce_mean(outputs[node.name], (1, 2)) for node in _mapped(nodes)]
    last = outputs.get(nodes[-1].inputs[0])
    if last is not None and len(last.shape) == 2 and last.shape[1] <= WIDEST:
        parts.append(last)
    centred = scaled - tf.reduce_mean(scaled, (1, 2), keepdims=True)
    contrast = tf.sqrt(tf.reduce_mean(centred * centred, (1, 2, 3)))
    return tf.concat([*parts, tf.math.log(contrast + 1e-3)[:, tf.newaxis]], axis=1)


def _mapped(nodes: Sequence[Node]) -> list[Node]:
    """The first convolutions, as many as have no more than WIDEST maps together."""
    found = [node for node in nodes if node.kind == "convolution"]
    totals = accumulate(node.weights["kernel"].shape[-1] for node in found)
    return [node for node, total in zip(found, totals, strict=True) if total <= WIDEST]


def unfamiliar(arrays: dict[str, Any], found: Any, logits: Any) -> Any:
    """The score (n,) in 0..1: above a half for one validation image in a hundred."""
    return tf.sigmoid((_strangeness(arrays, found, logits) - arrays["middle"]) / arrays["width"])


def calibrate(
    known: tuple[Floats, NDArray[np.int64]],
    held: tuple[Floats, Floats, NDArray[np.int64]],
) -> Confidence:
    """From features and labels of training images, and features, logits and labels held back."""
    found, logits, labels = held
    arrays = _distances(*known)
    arrays |= {"distance": np.float32(1), "energy": np.float32(1)}
    distance = _distance(arrays, tf.constant(found, tf.float32)).numpy()
    energy = _energy(tf.constant(logits, tf.float32)).numpy()
    arrays |= {"distance": _deviation(distance), "energy": _deviation(energy)}
    low, high = np.quantile(distance / arrays["distance"] - energy / arrays["energy"], [0.5, 0.99])
    # A typical image is given 1/(1 + e⁴), about 0.02.
    arrays |= {"middle": np.float32(high), "width": np.float32(max(high - low, 1e-3) / 4)}
    return Confidence(temperature(logits, labels), {k: np.asarray(v) for k, v in arrays.items()})


def temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The T in 0.1..10 for which softmax(logits / T) has the least cross-entropy."""
    tried = np.exp(np.linspace(np.log(0.1), np.log(10), 461))
    losses = [cross_entropy(logits / one, labels) for one in tried]
    return float(tried[int(np.argmin(losses))])


def cross_entropy(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The mean of −log softmax(logits)[label]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logged = np.log(np.exp(shifted).sum(axis=1))
    return float((logged - shifted[np.arange(len(labels)), labels]).mean())


def calibration_error(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """The expected calibration error over 15 bins of equal width (Naeini et al. 2015)."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(sure[places == one].sum() - right[places == one].sum()) for one in range(BINS)]
    return float(sum(gaps) / len(labels))


def auroc(familiar: Floats, foreign: Floats) -> float:
    """How often a foreign image scores above a familiar one, ties counted half."""
    order = np.sort(familiar)
    below = np.searchsorted(order, foreign, "left") + np.searchsorted(order, foreign, "right")
    return float(below.mean() / (2 * len(familiar)))


def _distances(found: Floats, labels: NDArray[np.int64]) -> dict[str, Any]:
    """Scales, the whitening matrix of the classes' common covariance, and their whitened means."""
    scale = found.std(axis=0)
    scale = scale + 1e-3 * scale.mean() + 1e-6
    scaled = found / scale
    classes, places = np.unique(labels, return_inverse=True)
    means = np.stack([scaled[labels == one].mean(axis=0) for one in classes])
    within = np.cov((scaled - means[places]).T)
    spread = max(np.trace(within) / len(within), 1e-6)
    covariance = (1 - SHRINKAGE) * within + SHRINKAGE * spread * np.eye(len(within))
    whitening = np.linalg.cholesky(np.linalg.inv(covariance)) / scale[:, np.newaxis]
    return {
        "whitening": whitening.astype(np.float32),
        "means": ((means * scale) @ whitening).astype(np.float32),
    }


def _strangeness(arrays: dict[str, Any], found: Any, logits: Any) -> Any:
    return _distance(arrays, found) / arrays["distance"] - _energy(logits) / arrays["energy"]


def _distance(arrays: dict[str, Any], found: Any) -> Any:
    whitened = tf.matmul(found, arrays["whitening"])[:, tf.newaxis] - arrays["means"]
    return tf.sqrt(tf.reduce_min(tf.reduce_sum(whitened * whitened, axis=2), axis=1))


def _energy(logits: Any) -> Any:
    top = tf.reduce_max(logits, axis=1)
    return top + tf.math.log(tf.reduce_sum(tf.exp(logits - top[:, tf.newaxis]), axis=1))


def _deviation(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(values.std() + 1e-6, np.float32)
