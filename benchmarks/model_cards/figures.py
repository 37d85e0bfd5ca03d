"""A model and test images become its figures, computed as `/predict` computes its answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from benchmarks.harness.request_bodies import png
from benchmarks.model_cards.corruptions import CORRUPTIONS
from service.images import reader
from service.images.decode import Limits
from service.manifest import Manifest
from service.models.litert import Network
from training.datasets.named import Split
from training.errors import DataError
from training.exporting import calibration

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

CLOSE = 0.0005
"""Largest difference from the manifest's accuracy that LiteRT's rounding may cause."""


class Bin(BaseModel):
    """The test images whose confidence is in one bin: number, mean confidence and accuracy."""

    count: int
    confidence: float
    accuracy: float


class Figures(BaseModel):
    """What was measured of one version of one model."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: int
    digest: str
    """Digest of the weights, as in the manifest."""
    confusion: list[list[int]]
    """Confusion matrix: the number of test images by label (row) and answer (column)."""
    calibration_error: float
    bins: list[Bin]
    unfamiliar: float | None
    """The share of test images whose out-of-distribution score is above 0.5."""
    out_of_distribution: dict[str, float]
    """AUROC by kind of out-of-distribution image; empty for a model without a score."""
    sample: int
    """The number of test images, drawn at random, that were corrupted."""
    clean: float
    """The accuracy on the sample without corruption."""
    corrupted: dict[str, list[float]]
    """The accuracy by corruption, at each of its strengths, each image uploaded as a PNG."""
    unprepared: dict[str, list[float]]
    """`corrupted`, measured without the preparation of uploads; empty for photographs, which have
    none."""
    rate: float
    """Images a second on one core, in batches of 64."""
    milliseconds: float
    """Time for one image, on one core."""


@dataclass(frozen=True)
class Material:
    """The images on which all models of one data set are measured."""

    test: Split
    out_of_distribution: Mapping[str, Pixels]
    chosen: NDArray[np.intp]
    """The indices of the test images that are corrupted."""
    corrupted: Mapping[str, Sequence[Pixels]]
    """Images by corruption, at each of its strengths."""
    uploaded: Mapping[str, Sequence[Pixels]]
    """The images of `corrupted` after the preparation of an upload."""


def prepare_material(
    test: Split,
    out_of_distribution: Mapping[str, Pixels],
    manifest: Manifest,
    count: int,
    advance: Callable[[], None],
) -> Material:
    """The images on which models with the input shape and preparation of `manifest` are measured.

    `advance` is called after each corruption.
    """
    chosen = np.random.default_rng(1).permutation(len(test))[:count]
    corrupted: dict[str, list[Pixels]] = {}
    uploaded: dict[str, list[Pixels]] = {}
    for corruption in CORRUPTIONS:
        made = [corruption(test.images[chosen], strength) for strength in corruption.strengths]
        corrupted[corruption.name] = made
        uploaded[corruption.name] = [upload(images, manifest) for images in made]
        advance()
    return Material(test, out_of_distribution, chosen, corrupted, uploaded)


def upload(images: Pixels, manifest: Manifest) -> Pixels:
    """`images`, uint8 (n, h, w, c), as the service prepares each when it is uploaded as a PNG."""
    limits = Limits()
    files = (png(image[..., 0] if image.shape[2] == 1 else image) for image in images)
    return np.stack([reader.read(file, manifest, limits).pixels for file in files])


def measure(
    folder: Path,
    manifest: Manifest,
    material: Material,
    cost: tuple[float, float],
) -> Figures:
    """The figures of the model in `folder`; `cost` is images a second and ms for one image.

    Raises DataError if the accuracy on the test images differs from the manifest's.
    """
    network = Network(folder, manifest.input_shape, threads=2)
    test, chosen = material.test, material.chosen
    rows, scores = _answers(network, test.images, manifest)
    answers = rows.argmax(axis=1)
    _require_same(float((answers == test.labels).mean()), manifest)
    out_of_distribution = {} if scores is None else material.out_of_distribution

    def accuracies(images: Mapping[str, Sequence[Pixels]]) -> dict[str, list[float]]:
        labels = test.labels[chosen]
        return {
            kind: [_accuracy(network, one, labels, manifest) for one in strengths]
            for kind, strengths in images.items()
        }

    classes = len(manifest.labels)
    confusion = np.bincount(test.labels * classes + answers, minlength=classes * classes)
    error = calibration.calibration_error(rows.astype(np.float64), test.labels)
    return Figures(
        name=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        confusion=confusion.reshape(classes, classes).tolist(),
        calibration_error=round(error, 5),
        bins=bins(rows, test.labels),
        unfamiliar=None if scores is None else float((scores > 0.5).mean()),
        out_of_distribution={
            kind: _auroc(network, images, manifest, scores)
            for kind, images in out_of_distribution.items()
        },
        sample=len(chosen),
        clean=float((answers[chosen] == test.labels[chosen]).mean()),
        corrupted=accuracies(material.uploaded),
        unprepared=accuracies(material.corrupted) if manifest.preparation == "digit" else {},
        rate=round(cost[0], 1),
        milliseconds=round(cost[1], 4),
    )


def bins(rows: Floats, labels: NDArray[np.int64]) -> list[Bin]:
    """Probabilities (n, classes) in `calibration.BINS` bins of equal width; empty ones left out."""
    confidence, right = rows.max(axis=1), rows.argmax(axis=1) == labels
    indices = np.minimum((confidence * calibration.BINS).astype(int), calibration.BINS - 1)
    return [
        Bin(
            count=int((indices == one).sum()),
            confidence=round(float(confidence[indices == one].mean()), 4),
            accuracy=round(float(right[indices == one].mean()), 4),
        )
        for one in np.unique(indices)
    ]


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share of `count` images (Wilson, 1927)."""
    z = NormalDist().inv_cdf(0.975)
    middle = share + z * z / (2 * count)
    half = z * ((share * (1 - share) + z * z / (4 * count)) / count) ** 0.5
    return (middle - half) / (1 + z * z / count), (middle + half) / (1 + z * z / count)


def _require_same(accuracy: float, manifest: Manifest) -> None:
    if abs(accuracy - manifest.metrics.accuracy) > CLOSE:
        raise DataError(
            f"{manifest.name} is right on {accuracy:.2%} of these test images; its manifest says"
            f" {manifest.metrics.accuracy:.2%}. Are they those it was tested on?"
        )


def _answers(network: Network, images: Pixels, manifest: Manifest) -> tuple[Floats, Floats | None]:
    """The probabilities (n, classes), and the out-of-distribution scores (n,) if there are any."""
    rows = network.classify(images)
    classes = len(manifest.labels)
    return rows[:, :classes], rows[:, classes] if rows.shape[1] > classes else None


def _accuracy(
    network: Network, images: Pixels, labels: NDArray[np.int64], manifest: Manifest
) -> float:
    return float((_answers(network, images, manifest)[0].argmax(axis=1) == labels).mean())


def _auroc(network: Network, images: Pixels, manifest: Manifest, familiar: Floats | None) -> float:
    found = _answers(network, images, manifest)[1]
    assert found is not None
    assert familiar is not None
    known, unknown = familiar.astype(np.float64), found.astype(np.float64)
    return round(calibration.auroc(known, unknown), 5)
