"""A split becomes shuffled batches of float32 images in 0..1, varied as the recipe says.

The order of an epoch and every variation follow from (seed, epoch, step) alone, so a run can be
taken up at any step. Early epochs may be of smaller images, which cost less and teach the coarse.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.datasets.named import Split
from training.fitting import augmentation
from training.recipes import Recipe


def steps(split: Split, recipe: Recipe) -> int:
    """The batches of one epoch."""
    return -(-len(split) // recipe.batch_size)


class Epochs:
    """The training pipeline of every epoch of a run."""

    def __init__(self, split: Split, recipe: Recipe) -> None:
        self._recipe = recipe
        self._steps = steps(split, recipe)
        self._coarse = [round(side * recipe.coarse) for side in split.images.shape[1:3]]
        self._images, self._labels = tf.constant(split.images), tf.constant(split.labels)
        coins = np.random.default_rng(recipe.seed).integers(0, 2, len(split))
        self._mirrored_first = tf.constant(coins == 1)

    def batches(self, epoch: int, start: int = 0) -> Any:
        """Pairs of images (batch, h, w, c) in 0..1 and labels (batch,), from step `start` on.

        The epoch is counted from 0.
        """
        order = tf.constant(self._order(epoch))
        size, count = self._recipe.batch_size, len(order)

        def make(step: Any) -> Any:
            chosen = order[step * size : tf.minimum((step + 1) * size, count)]
            images = tf.cast(tf.gather(self._images, chosen), tf.float32) / 255.0
            mirrored = tf.gather(self._mirrored_first, chosen)
            mirrored = tf.logical_not(mirrored) if epoch % 2 else mirrored
            seed = tf.stack([tf.constant(self._recipe.seed, tf.int64), epoch * self._steps + step])
            varied = augmentation.vary(images, mirrored, self._recipe, seed)
            if epoch < self._recipe.coarse_share * self._recipe.epochs:
                varied = tf.image.resize(varied, self._coarse, antialias=True)
            return varied, tf.gather(self._labels, chosen)

        numbers = tf.data.Dataset.range(start, self._steps)
        return numbers.map(make, num_parallel_calls=1).prefetch(2)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        random = np.random.default_rng((self._recipe.seed, epoch))
        return random.permutation(len(self._mirrored_first))


def plain(split: Split, batch_size: int = 500) -> Any:
    """The same for evaluation: in order, nothing varied."""
    examples = tf.data.Dataset.from_tensor_slices((split.images, split.labels)).batch(batch_size)
    return examples.map(lambda images, labels: (tf.cast(images, tf.float32) / 255.0, labels))
