"""An input shape becomes drawn test inputs, by which the service checks a model that it loads."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.images import tokens
from service.manifest import Golden

Floats = NDArray[np.float64]


def inputs(shape: tuple[int, int, int]) -> dict[str, NDArray[np.uint8]]:
    """The drawings by name, each uint8 of `shape` (h, w, c) in 0..255."""
    height, width, channels = shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    tint = np.linspace(1.0, 0.4, channels)
    return {
        name: np.round(255 * draw(y, x)[..., np.newaxis] * tint).astype(np.uint8)
        for name, draw in _DRAWINGS.items()
    }


def record(
    shape: tuple[int, int, int], predict: Callable[[NDArray[np.uint8]], Any]
) -> tuple[Golden, ...]:
    """The manifest's golden records: the drawings and the probabilities that the model gives them.

    `predict` maps uint8 images (n, h, w, c) to probabilities (n, classes).
    """
    drawings = inputs(shape)
    rows = np.asarray(predict(np.stack(list(drawings.values()))))
    return tuple(
        Golden(name=name, image=tokens.encode(pixels), probabilities=tuple(row.tolist()))
        for (name, pixels), row in zip(drawings.items(), rows, strict=True)
    )


def _blank(y: Floats, x: Floats) -> Floats:
    return np.zeros_like(y)


def _bar(y: Floats, x: Floats) -> Floats:
    return ((np.abs(x) < 0.15) & (np.abs(y) < 0.7)).astype(float)


def _ring(y: Floats, x: Floats) -> Floats:
    return (np.abs(np.hypot(x, y) - 0.55) < 0.15).astype(float)


def _cross(y: Floats, x: Floats) -> Floats:
    return ((np.minimum(np.abs(x), np.abs(y)) < 0.12) & (np.hypot(x, y) < 0.8)).astype(float)


def _slope(y: Floats, x: Floats) -> Floats:
    return (y + x + 2) / 4


_DRAWINGS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "blank": _blank,
    "bar": _bar,
    "ring": _ring,
    "cross": _cross,
    "slope": _slope,
}
