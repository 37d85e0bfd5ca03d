"""The service's JSON and .npy become predictions and arrays."""

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
    """What a model says of one picture.

    `image` is the token of what the model saw, `prepared` how the picture became that, and `maps`
    the layers that were asked for: float32 (height, width, maps), or (units,) for dense ones.
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
    """One of many: the picture, and either what is said of it or why nothing is."""

    source: Source
    prediction: Prediction | None = None
    error: ClientError | OSError | ValueError | TypeError | None = None


def prediction(document: Mapping[str, Any], one: Mapping[str, Any]) -> Prediction:
    """The prediction `one` of an answer's `document`."""
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
    """The array in the bytes of an .npy file; ValueError for anything else."""
    loaded: NDArray[np.float32] = np.load(io.BytesIO(content), allow_pickle=False)
    return loaded


def _maps(document: Mapping[str, Any]) -> NDArray[np.float32]:
    values = np.array(document["values"], np.float32)
    return np.moveaxis(values, 0, -1) if values.ndim == 3 else values
