"""An image and some classes become heatmaps: how far covering each place sets them back.

Zeiler and Fergus 2014, on each class' logit less the mean of all classes' logits, which the
probabilities hold and which no common rise of all logits changes. The cover is the image's own
mean, so it lies in the model's input range; places whose covering helps the class are 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.models.model import Model

GRID = 14
"""Places along each side; the cover is twice as wide as their distance."""


async def explain(
    model: Model, pixels: NDArray[np.uint8], indices: Sequence[int]
) -> NDArray[np.float32]:
    """Heatmaps, float32 (classes, GRID, GRID), never negative, for one input (h, w, c)."""
    probabilities = await model.batcher(np.stack([pixels, *_covered(pixels)]))
    # A probability's logarithm is its logit but for a constant of the image, which the mean takes.
    logits = np.log(np.maximum(probabilities, 1e-30))
    logits -= logits.mean(axis=1, keepdims=True)
    drops = logits[0, indices] - logits[1:, indices]  # (GRID², classes)
    return np.ascontiguousarray(np.maximum(drops, 0).T.reshape(-1, GRID, GRID), np.float32)


def _covered(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height, width, _ = pixels.shape
    mean = np.rint(pixels.mean(axis=(0, 1))).astype(np.uint8)
    covered = []
    for row in range(GRID):
        for column in range(GRID):
            top, bottom = (row - 0.5) * height / GRID, (row + 1.5) * height / GRID
            left, right = (column - 0.5) * width / GRID, (column + 1.5) * width / GRID
            copy = pixels.copy()
            copy[max(0, round(top)) : round(bottom), max(0, round(left)) : round(right)] = mean
            covered.append(copy)
    return covered
