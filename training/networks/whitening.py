"""Training images become the filters of a first layer whose outputs do not correlate.

Page 2018: the eigenvectors of the covariance of small patches, scaled to unit variance, once with
each sign, since a ReLU follows. They are reckoned, not learned.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

LAYER = "whiten"
SAMPLE = 5_000
FLOOR = 2e-3
"""Added to every variance: what JPEG has taken away is not to be blown up."""


def whiten(network: Any, images: NDArray[np.uint8]) -> None:
    """Set the filters of the layer called `whiten`, where there is one, from images (n, h, w, c).

    It takes as many maps as there are numbers in a patch and both signs: 2·k·k·c.
    """
    layers = [one for one in getattr(network, "layers", []) if one.name == LAYER]
    for layer in layers:
        kernel, bias = filters(images[:SAMPLE], layer.kernel.shape[0])
        layer.set_weights([kernel, bias])


def filters(
    images: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernels (side, side, c, 2·side·side·c) and biases for images in 0..1."""
    windows = sliding_window_view(images, (side, side), axis=(1, 2))[:, ::side, ::side]
    channels = images.shape[3]
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side * side * channels) / 255.0
    mean = patches.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    scaled = vectors / np.sqrt(values + FLOOR)  # a column a filter
    both = np.concatenate([scaled, -scaled], axis=1)
    kernel = both.reshape(side, side, channels, -1).astype(np.float32)
    return kernel, (-mean @ both).astype(np.float32)
