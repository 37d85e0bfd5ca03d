"""A batch of maps becomes one of zero mean and unit variance by one fused TensorFlow operation.

Keras' own layer passes over the maps in float32 once for every step of the formula.
"""

from functools import partial
from typing import Any

import tensorflow as tf
from keras import layers


class BatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Keras' batch normalisation (Ioffe and Szegedy 2015) for maps (n, h, w, c), faster."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The normalised maps; in training by the batch's statistics, which are averaged."""
        beta = tf.convert_to_tensor(self.beta)
        gamma = tf.convert_to_tensor(self.gamma) if self.scale else tf.ones_like(beta)
        normalise = partial(
            tf.compat.v1.nn.fused_batch_norm, inputs, gamma, beta, epsilon=self.epsilon
        )
        if not training:
            mean = tf.convert_to_tensor(self.moving_mean)
            variance = tf.convert_to_tensor(self.moving_variance)
            return normalise(mean=mean, variance=variance, is_training=False)[0]
        maps, mean, variance = normalise(is_training=True)
        for average, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + batch * (1.0 - self.momentum))
        return maps
