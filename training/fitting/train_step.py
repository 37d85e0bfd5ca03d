"""A network, a recipe and a batch become a step: gradients, an update, and averaged weights.

The network is Keras' or the low-level one: called with images and `training`, it answers with
probabilities, and it has `trainable_variables`, `variables`, `get_weights` and `set_weights`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from training.fitting.muon import Muon
from training.recipes import Recipe

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
    "muon": Muon,
}


class Learner:
    """Everything that changes while a network is trained."""

    def __init__(self, network: Any, recipe: Recipe, steps: int) -> None:
        self._network = network
        self._recipe = recipe
        self._classes: int = network.output_shape[-1]
        self._optimizer = self._equip(steps)
        start = network.get_weights() if recipe.average else []
        self._averages = [tf.Variable(value) for value in start]
        self._learn = tf.function(self._step, reduce_retracing=True)
        self._judge = tf.function(self._measure, reduce_retracing=True)

    def variables(self) -> Sequence[Any]:
        """All state by which the next step follows from the data: what a checkpoint holds."""
        return [*self._network.variables, *self._optimizer.variables, *self._averages]

    def learn(self, images: Any, labels: Any) -> tuple[Any, Any]:
        """One step on images (n, h, w, c) in 0..1: their mean loss, and how many were right."""
        loss, right = self._learn(images, labels)
        return loss, right

    def evaluate(self, batches: Any) -> tuple[float, float]:
        """Mean loss and accuracy over batches, with the weights as they are."""
        count, total, right = 0, 0.0, 0
        for images, labels in batches:
            loss, hits = self._judge(images, labels)
            total, right, count = total + float(loss), right + int(hits), count + len(labels)
        return total / count, right / count

    @contextmanager
    def averaged(self) -> Iterator[Any]:
        """The network, for a while with the averaged weights where the recipe averages."""
        if not self._recipe.average:
            yield self._network
            return
        own = self._network.get_weights()
        self._network.set_weights([value.numpy() for value in self._averages])
        try:
            yield self._network
        finally:
            self._network.set_weights(own)

    def take(self) -> list[Any]:
        """A copy of the network's weights."""
        return [value.copy() for value in self._network.get_weights()]

    def put(self, weights: list[Any]) -> None:
        """Give the network `weights`."""
        self._network.set_weights(weights)

    def _equip(self, steps: int) -> Any:
        """The recipe's optimizer with a slot for every weight; `steps` make an epoch."""
        optimizer = _optimizer(self._recipe, steps)
        optimizer.build(self._network.trainable_variables)
        return optimizer

    def _step(self, images: Any, labels: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            probabilities = self._network(images, training=True)
            loss = self._loss(labels, probabilities)
        variables = self._network.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        if self._recipe.average:
            self._average()
        return loss, _hits(labels, probabilities)

    def _loss(self, labels: Any, probabilities: Any) -> Any:
        smoothing = self._recipe.smoothing
        if not smoothing:
            return keras.losses.SparseCategoricalCrossentropy()(labels, probabilities)
        targets = tf.one_hot(labels, self._classes)
        return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)(
            targets, probabilities
        )

    def _measure(self, images: Any, labels: Any) -> tuple[Any, Any]:
        probabilities = self._network(images, training=False)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        return tf.reduce_sum(losses), _hits(labels, probabilities)

    def _average(self) -> None:
        """Exponential moving averages of all weights, those of normalisation included.

        Early on the average forgets faster, or it would hold on to the random start.
        """
        done = tf.cast(self._optimizer.iterations, tf.float32)
        keep = tf.minimum(self._recipe.average, (1.0 + done) / (10.0 + done))
        for average, variable in zip(self._averages, self._network.weights, strict=True):
            average.assign(keep * average + (1.0 - keep) * tf.convert_to_tensor(variable))


def _hits(labels: Any, probabilities: Any) -> Any:
    found = tf.argmax(probabilities, axis=1)
    return tf.reduce_sum(tf.cast(found == tf.cast(labels, tf.int64), tf.int32))


def _optimizer(recipe: Recipe, steps: int) -> Any:
    optimizer = OPTIMIZERS[recipe.optimizer](
        rate(recipe, steps), weight_decay=recipe.weight_decay or None
    )
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def rate(recipe: Recipe, steps: int) -> Any:
    """The learning rate: a number, or a schedule that is called with the step."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    warming = int(recipe.warmup * steps)
    if recipe.schedule == "trapezoid":
        end, cooling = recipe.epochs * steps, int(recipe.cooldown * recipe.epochs * steps)
        return Trapezoid(recipe.learning_rate, max(1, warming), max(1, cooling), end)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warming else recipe.learning_rate,
        decay_steps=max(1, steps * recipe.epochs - warming),
        alpha=0.02,
        warmup_target=recipe.learning_rate if warming else None,
        warmup_steps=warming,
    )


class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Up to `height` in `warming` steps, level, and down to zero in the last `cooling` of `end`.

    Until it falls the rate does not depend on the end, so that a run may still become longer.
    """

    def __init__(self, height: float, warming: int, cooling: int, end: int) -> None:
        super().__init__()
        self._height, self._warming, self._cooling, self._end = height, warming, cooling, end

    def __call__(self, step: Any) -> Any:
        """The rate of `step`, counted from 0."""
        done = tf.cast(step, tf.float32)
        rising, falling = (done + 1) / self._warming, (self._end - done) / self._cooling
        return self._height * tf.clip_by_value(tf.minimum(rising, falling), 0.0, 1.0)
