"""Training images become the fixed kernels of a first convolution whose outputs are uncorrelated.

Page (2018), "How to train your ResNet": the kernels are the eigenvectors of the covariance of small
patches, scaled to unit variance. Each is used with both signs, because a ReLU follows. They are
computed from the images and not trained.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

LAYER = "whiten"
SAMPLE = 5_000
"""Number of images that the covariance is estimated from."""
EPSILON = 2e-3
"""Added to every variance, so that components without signal are not amplified."""


def whiten(network: Any, images: NDArray[np.uint8]) -> None:
    """Set the kernels of the layer called `whiten`, if the network has one.

    `images` are uint8 (n, h, w, c). The layer has k×k kernels and must have 2·k·k·c maps.
    """
    layers = [one for one in getattr(network, "layers", []) if one.name == LAYER]
    for layer in layers:
        kernel, bias = kernels(images[:SAMPLE], layer.kernel.shape[0])
        layer.set_weights([kernel, bias])


def kernels(
    images: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernels (side, side, c, maps) and biases (maps,), where maps is 2·side·side·c.

    `images` are uint8 (n, h, w, c); the kernels are for the same images scaled to 0..1.
    """
    windows = sliding_window_view(images, (side, side), axis=(1, 2))[:, ::side, ::side]
    channels = images.shape[3]
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side * side * channels) / 255.0
    mean = patches.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    scaled = vectors / np.sqrt(values + EPSILON)  # one kernel per column
    both = np.concatenate([scaled, -scaled], axis=1)
    kernel = both.reshape(side, side, channels, -1).astype(np.float32)
    return kernel, (-mean @ both).astype(np.float32)
