"""A model that ships and test images become its figures, on the way that `/predict` takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from benchmarks.model_cards.corruptions import CORRUPTIONS
from benchmarks.request_bodies import png
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
"""How far LiteRT's rounding may take the accuracy from the manifest's."""


class Bin(BaseModel):
    """The test images with a confidence within one fifteenth: how sure, and how many right."""

    count: int
    confidence: float
    accuracy: float


class Figures(BaseModel):
    """What was measured of one version of one model."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: int
    digest: str
    """Of the weights, as in the manifest."""
    confusion: list[list[int]]
    """Test images by label, a row each, and answer."""
    calibration_error: float
    bins: list[Bin]
    unfamiliar: float | None
    """The share of test images that score above a half."""
    foreign: dict[str, float]
    """AUROC by kind of foreign image; empty for a model that does not tell."""
    sample: int
    """How many test images were spoiled, drawn by chance."""
    unspoiled: float
    """The accuracy on those as they are."""
    spoiled: dict[str, list[float]]
    """The accuracy by corruption, at each of its strengths, each image sent as a PNG."""
    alone: dict[str, list[float]]
    """The same without the preparation of an upload; empty for photographs, which need none."""
    rate: float
    """Images a second of one core, 64 at once."""
    milliseconds: float
    """For one image, on one core."""


@dataclass(frozen=True)
class Material:
    """What models of one data set are measured on, made once for all of them."""

    test: Split
    foreign: Mapping[str, Pixels]
    chosen: NDArray[np.intp]
    """The places of the test images that are spoiled."""
    spoiled: Mapping[str, Sequence[Pixels]]
    """By corruption, at each of its strengths."""
    uploaded: Mapping[str, Sequence[Pixels]]
    """The same as they are after the preparation of an upload."""


def spoil(
    test: Split,
    foreign: Mapping[str, Pixels],
    manifest: Manifest,
    count: int,
    advance: Callable[[], None],
) -> Material:
    """The material for models that take images as that of `manifest` does.

    `advance` is called after each corruption.
    """
    chosen = np.random.default_rng(1).permutation(len(test))[:count]
    spoiled: dict[str, list[Pixels]] = {}
    uploaded: dict[str, list[Pixels]] = {}
    for corruption in CORRUPTIONS:
        made = [corruption(test.images[chosen], strength) for strength in corruption.strengths]
        spoiled[corruption.name] = made
        uploaded[corruption.name] = [upload(images, manifest) for images in made]
        advance()
    return Material(test, foreign, chosen, spoiled, uploaded)


def upload(images: Pixels, manifest: Manifest) -> Pixels:
    """What the service makes of `images` (n, h, w, c) when each is sent as a PNG."""
    limits = Limits()
    files = (png(image[..., 0] if image.shape[2] == 1 else image) for image in images)
    return np.stack([reader.read(file, manifest, limits).pixels for file in files])


def measure(
    folder: Path,
    manifest: Manifest,
    material: Material,
    cost: tuple[float, float],
) -> Figures:
    """The figures of the model in `folder`.

    Raises DataError where the test images give another accuracy than the manifest's.
    """
    network = Network(folder, manifest.input_shape, threads=2)
    test, chosen = material.test, material.chosen
    rows, scores = _answers(network, test.images, manifest)
    answers = rows.argmax(axis=1)
    _require_same(float((answers == test.labels).mean()), manifest)
    foreign = {} if scores is None else material.foreign

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
        foreign={kind: _auroc(network, foreign[kind], manifest, scores) for kind in foreign},
        sample=len(chosen),
        unspoiled=float((answers[chosen] == test.labels[chosen]).mean()),
        spoiled=accuracies(material.uploaded),
        alone=accuracies(material.spoiled) if manifest.preparation == "digit" else {},
        rate=round(cost[0], 1),
        milliseconds=round(cost[1], 4),
    )


def bins(rows: Floats, labels: NDArray[np.int64]) -> list[Bin]:
    """Probabilities (n, classes) in `confidence.BINS` bins of equal width, empty ones left out."""
    sure, right = rows.max(axis=1), rows.argmax(axis=1) == labels
    places = np.minimum((sure * calibration.BINS).astype(int), calibration.BINS - 1)
    return [
        Bin(
            count=int((places == one).sum()),
            confidence=round(float(sure[places == one].mean()), 4),
            accuracy=round(float(right[places == one].mean()), 4),
        )
        for one in np.unique(places)
    ]


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of `count` images (Wilson 1927)."""
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
    """The probabilities (n, classes), and how unfamiliar each image is where the model tells."""
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
    known, foreign = familiar.astype(np.float64), found.astype(np.float64)
    return round(calibration.auroc(known, foreign), 5)
