"""A network, a recipe and batches become training steps: gradients, updates, averaged weights.

The network is a Keras or a low-level one. Called with images and `training` it returns
probabilities; it has `trainable_variables`, `variables`, `get_weights` and `set_weights`.
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


class Trainer:
    """All that changes during training: the network, its optimizer and the averaged weights.

    `steps` is the number of steps of an epoch, by which the learning rate is scheduled.
    """

    def __init__(self, network: Any, recipe: Recipe, steps: int) -> None:
        self._network = network
        self._recipe = recipe
        self._classes: int = network.output_shape[-1]
        self._optimizer = self._make_optimizer(steps)
        initial = network.get_weights() if recipe.average else []
        self._averages = [tf.Variable(value) for value in initial]
        self._compiled_step = tf.function(self._step, reduce_retracing=True)
        self._compiled_evaluation = tf.function(self._evaluate, reduce_retracing=True)

    def variables(self) -> Sequence[Any]:
        """All variables that the next step depends on; a checkpoint stores them."""
        return [*self._network.variables, *self._optimizer.variables, *self._averages]

    def step(self, images: Any, labels: Any) -> tuple[Any, Any]:
        """Update the weights once; the batch's mean loss and its number of correct predictions.

        `images` is float32 (n, h, w, c) in 0..1, `labels` int64 (n,).
        """
        loss, correct = self._compiled_step(images, labels)
        return loss, correct

    def evaluate(self, batches: Any) -> tuple[float, float]:
        """Mean loss and accuracy over pairs of images and labels, with the current weights."""
        count, total, correct = 0, 0.0, 0
        for images, labels in batches:
            loss, hits = self._compiled_evaluation(images, labels)
            total, correct, count = total + float(loss), correct + int(hits), count + len(labels)
        return total / count, correct / count

    @contextmanager
    def averaged(self) -> Iterator[Any]:
        """The network, within the context with the averaged weights if the recipe averages."""
        if not self._recipe.average:
            yield self._network
            return
        own = self._network.get_weights()
        self._network.set_weights([value.numpy() for value in self._averages])
        try:
            yield self._network
        finally:
            self._network.set_weights(own)

    def get_weights(self) -> list[Any]:
        """A copy of the network's weights."""
        return [value.copy() for value in self._network.get_weights()]

    def set_weights(self, weights: list[Any]) -> None:
        """Set the network's weights to `weights`."""
        self._network.set_weights(weights)

    def _make_optimizer(self, steps: int) -> Any:
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
            self._update_averages()
        return loss, _count_correct(labels, probabilities)

    def _loss(self, labels: Any, probabilities: Any) -> Any:
        smoothing = self._recipe.smoothing
        if not smoothing:
            return keras.losses.SparseCategoricalCrossentropy()(labels, probabilities)
        targets = tf.one_hot(labels, self._classes)
        return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)(
            targets, probabilities
        )

    def _evaluate(self, images: Any, labels: Any) -> tuple[Any, Any]:
        """The summed loss of a batch and its number of correct predictions."""
        probabilities = self._network(images, training=False)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        return tf.reduce_sum(losses), _count_correct(labels, probabilities)

    def _update_averages(self) -> None:
        """Update the exponential moving averages of all weights and normalisation statistics.

        The decay is lower in the first steps, so that the random initial weights are forgotten.
        """
        done = tf.cast(self._optimizer.iterations, tf.float32)
        decay = tf.minimum(self._recipe.average, (1.0 + done) / (10.0 + done))
        for average, variable in zip(self._averages, self._network.weights, strict=True):
            average.assign(decay * average + (1.0 - decay) * tf.convert_to_tensor(variable))


def _count_correct(labels: Any, probabilities: Any) -> Any:
    predicted = tf.argmax(probabilities, axis=1)
    return tf.reduce_sum(tf.cast(predicted == tf.cast(labels, tf.int64), tf.int32))


def _optimizer(recipe: Recipe, steps: int) -> Any:
    optimizer = OPTIMIZERS[recipe.optimizer](
        learning_rate(recipe, steps), weight_decay=recipe.weight_decay or None
    )
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def learning_rate(recipe: Recipe, steps: int) -> Any:
    """The learning rate: a number, or a function of the step; `steps` make an epoch."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    warmup = int(recipe.warmup * steps)
    if recipe.schedule == "trapezoid":
        end, cooldown = recipe.epochs * steps, int(recipe.cooldown * recipe.epochs * steps)
        return Trapezoid(recipe.learning_rate, max(1, warmup), max(1, cooldown), end)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else recipe.learning_rate,
        decay_steps=max(1, steps * recipe.epochs - warmup),
        alpha=0.02,
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Rises to `peak` over `warmup` steps, stays there, and falls to 0 over the last `cooldown`.

    `end` is the number of all steps. Before the fall the rate does not depend on it, so a run can
    still be extended.
    """

    def __init__(self, peak: float, warmup: int, cooldown: int, end: int) -> None:
        super().__init__()
        self._peak, self._warmup, self._cooldown, self._end = peak, warmup, cooldown, end

    def __call__(self, step: Any) -> Any:
        """The learning rate of `step`, counted from 0."""
        done = tf.cast(step, tf.float32)
        rising, falling = (done + 1) / self._warmup, (self._end - done) / self._cooldown
        return self._peak * tf.clip_by_value(tf.minimum(rising, falling), 0.0, 1.0)
