"""An image and some classes become heatmaps: how far covering each patch lowers the logits.

Occlusion as in Zeiler and Fergus 2014, on each class's logit less the mean logit of all classes:
this difference follows from the probabilities, and a rise of all logits alike leaves it unchanged.
A patch is covered with the image's mean colour, which lies in the model's input range. Patches
whose covering raises the logit are 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.models.model import Model

GRID = 14
"""Patches along each side of the image; each is twice as wide as the step to the next."""


async def explain(
    model: Model, pixels: NDArray[np.uint8], indices: Sequence[int]
) -> NDArray[np.float32]:
    """Heatmaps, float32 (classes, GRID, GRID) from 0, of the input `pixels`, uint8 (h, w, c).

    `indices` are the classes' numbers. The model's batcher raises Busy if its queue is full.
    """
    probabilities = await model.batcher(np.stack([pixels, *_covered(pixels)]))
    # log p = logit - log Σ exp(logits); subtracting the mean over classes removes the second term.
    # A model with an out-of-distribution score has it in a column behind the classes.
    classes = len(model.manifest.labels)
    logits = np.log(np.maximum(probabilities[:, :classes], 1e-30))
    logits -= logits.mean(axis=1, keepdims=True)
    drops = logits[0, indices] - logits[1:, indices]  # (GRID², classes)
    return np.ascontiguousarray(np.maximum(drops, 0).T.reshape(-1, GRID, GRID), np.float32)


def _covered(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """GRID² copies of the image, row by row, each with one patch covered."""
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
