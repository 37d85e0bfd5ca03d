"""A split becomes shuffled and augmented batches of float32 images in 0..1.

The order of an epoch and each augmentation depend on (seed, epoch, step) alone, so a run can be
resumed at any step. Early epochs may use smaller images, which are faster to train on.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.datasets.named import Split
from training.fitting import augmentation
from training.recipes import Recipe


def steps_per_epoch(split: Split, recipe: Recipe) -> int:
    """The number of batches of one epoch; the last batch may be smaller."""
    return -(-len(split) // recipe.batch_size)


class TrainingBatches:
    """The batches of every epoch of a run."""

    def __init__(self, split: Split, recipe: Recipe) -> None:
        self._recipe = recipe
        self._steps = steps_per_epoch(split, recipe)
        self._small_size = [round(side * recipe.coarse) for side in split.images.shape[1:3]]
        self._images, self._labels = tf.constant(split.images), tf.constant(split.labels)
        flips = np.random.default_rng(recipe.seed).integers(0, 2, len(split))
        self._flipped_first = tf.constant(flips == 1)

    def batches(self, epoch: int, start: int = 0) -> Any:
        """Pairs of float32 images (n, h, w, c) in 0..1 and int64 labels (n,), from step `start` on.

        Epochs and steps are counted from 0.
        """
        order = tf.constant(self._order(epoch))
        size, count = self._recipe.batch_size, len(order)

        def make(step: Any) -> Any:
            chosen = order[step * size : tf.minimum((step + 1) * size, count)]
            images = tf.cast(tf.gather(self._images, chosen), tf.float32) / 255.0
            flipped = tf.gather(self._flipped_first, chosen)
            flipped = tf.logical_not(flipped) if epoch % 2 else flipped
            seed = tf.stack([tf.constant(self._recipe.seed, tf.int64), epoch * self._steps + step])
            augmented = augmentation.augment(images, flipped, self._recipe, seed)
            if epoch < self._recipe.coarse_share * self._recipe.epochs:
                augmented = tf.image.resize(augmented, self._small_size, antialias=True)
            return augmented, tf.gather(self._labels, chosen)

        numbers = tf.data.Dataset.range(start, self._steps)
        return numbers.map(make, num_parallel_calls=1).prefetch(2)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        random = np.random.default_rng((self._recipe.seed, epoch))
        return random.permutation(len(self._flipped_first))


def evaluation_batches(split: Split, batch_size: int = 500) -> Any:
    """Pairs like those of TrainingBatches, in the order of the split and without augmentation."""
    examples = tf.data.Dataset.from_tensor_slices((split.images, split.labels)).batch(batch_size)
    return examples.map(lambda images, labels: (tf.cast(images, tf.float32) / 255.0, labels))
