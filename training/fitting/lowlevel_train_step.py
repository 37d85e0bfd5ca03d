"""A low-level network, a recipe and batches become training steps by the network's own Adam."""

from typing import Any

import tensorflow as tf

from training.errors import RecipeError
from training.fitting.train_step import Trainer, learning_rate
from training.networks.lowlevel_adam import Adam


class LowLevelTrainer(Trainer):
    """The trainer of a `lowlevel.Network`, which brings its own training step.

    Raises RecipeError for an optimizer, label smoothing or weight decay that it does not support.
    """

    def _make_optimizer(self, steps: int) -> Any:
        recipe = self._recipe
        if recipe.optimizer != "adam" or recipe.smoothing or recipe.weight_decay:
            raise RecipeError(
                "The low-level networks are trained by Adam, without smoothing or weight decay."
            )
        variables = self._network.trainable_variables
        return Adam(variables, learning_rate(recipe, steps), self._network.scopes.optimizer)

    def _step(self, images: Any, labels: Any) -> tuple[Any, Any]:
        cost, correct = self._network.train_step(images, labels, self._optimizer)
        if self._recipe.average:
            self._update_averages()
        return cost, correct

    def _evaluate(self, images: Any, labels: Any) -> tuple[Any, Any]:
        logits = self._network.logits(images)
        count = tf.cast(tf.shape(labels)[0], tf.float32)
        return count * self._network.cost(logits, labels), self._network.correct(logits, labels)
