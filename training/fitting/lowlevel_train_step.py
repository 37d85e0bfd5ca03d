"""A low-level network, a recipe and a batch become a step, with the network's own cost and Adam."""

from typing import Any

import tensorflow as tf

from training.errors import RecipeError
from training.fitting.train_step import Learner, rate
from training.networks.lowlevel_adam import Adam


class LowLevelLearner(Learner):
    """The same loop, checkpoints and averages around `lowlevel.Network.learn`.

    Raises RecipeError for an optimizer, a smoothing or a decay that these networks lack.
    """

    def _equip(self, steps: int) -> Any:
        recipe = self._recipe
        if recipe.optimizer != "adam" or recipe.smoothing or recipe.weight_decay:
            raise RecipeError(
                "The low-level networks are trained by Adam, without smoothing or weight decay."
            )
        variables = self._network.trainable_variables
        return Adam(variables, rate(recipe, steps), self._network.scopes.optimizer)

    def _step(self, images: Any, labels: Any) -> tuple[Any, Any]:
        cost, right = self._network.learn(images, labels, self._optimizer)
        if self._recipe.average:
            self._average()
        return cost, right

    def _measure(self, images: Any, labels: Any) -> tuple[Any, Any]:
        logits = self._network.logits(images)
        count = tf.cast(tf.shape(labels)[0], tf.float32)
        return count * self._network.cost(logits, labels), self._network.right(logits, labels)
