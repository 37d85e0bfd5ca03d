"""The JSON and .npy answers of the service become predictions and arrays."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlens.client.errors import ClientError
from convlens.client.sources import Source


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's prediction for one picture.

    `image` is the token of the model's input, by which other calls name it; `prepared` lists the
    steps from the picture to that input. `maps` has the layers that were asked for: float32
    (height, width, maps), or (units,) for a dense layer. `unfamiliar` is from 0, like
    the training images, to 1, unlike them; None if the model has no such score.
    """

    model: str
    version: int
    filename: str | None
    label: str
    index: int
    confidence: float
    probabilities: Mapping[str, float]
    image: str
    prepared: tuple[str, ...]
    links: Mapping[str, str]
    maps: Mapping[str, NDArray[np.float32]]
    unfamiliar: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One result of `predict_many`: the picture, and either its prediction or its error."""

    source: Source
    prediction: Prediction | None = None
    error: ClientError | OSError | ValueError | TypeError | None = None


def prediction(document: Mapping[str, Any], one: Mapping[str, Any]) -> Prediction:
    """The prediction in `one`, a member of the `predictions` of the answer `document`."""
    return Prediction(
        model=document["model"],
        version=document["version"],
        filename=one.get("filename"),
        label=one["label"],
        index=one["index"],
        confidence=one["confidence"],
        probabilities=one["probabilities"],
        image=one["image"],
        prepared=tuple(one["prepared"]),
        links=one.get("links", {}),
        maps={name: _maps(values) for name, values in (one.get("maps") or {}).items()},
        unfamiliar=one.get("unfamiliar"),
    )


def array(content: bytes) -> NDArray[np.float32]:
    """The array in the bytes of an .npy file; raises ValueError for anything else."""
    loaded: NDArray[np.float32] = np.load(io.BytesIO(content), allow_pickle=False)
    return loaded


def _maps(document: Mapping[str, Any]) -> NDArray[np.float32]:
    values = np.array(document["values"], np.float32)
    return np.moveaxis(values, 0, -1) if values.ndim == 3 else values
