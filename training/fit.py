"""A recipe and a data set become a trained Keras network, with a bar that shows how far it is."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training import augmentation
from training.data import Dataset
from training.recipes import Recipe

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
}


def fit(
    recipe: Recipe, dataset: Dataset, console: Console
) -> tuple[Any, Mapping[str, list[float]]]:
    """The trained network, with the weights of its best epoch, and the history of all epochs.

    The best epoch is the one with the highest accuracy on the validation split. The same seed
    gives the same weights on the same machine.
    """
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    network = recipe.network(dataset.shape, len(dataset.labels))
    batches = augmentation.batches(dataset.train, recipe)
    network.compile(
        optimizer=OPTIMIZERS[recipe.optimizer](_rate(recipe, len(batches))),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    best = _Best()
    with _progress(console) as progress:
        history = network.fit(
            batches,
            validation_data=augmentation.plain(dataset.validation),
            epochs=recipe.epochs,
            shuffle=False,  # The pipeline shuffles.
            verbose=0,
            callbacks=[_Bar(progress, len(batches), recipe.epochs), best],
        )
    network.set_weights(best.weights)
    return network, history.history


def outcome(history: Mapping[str, list[float]]) -> dict[str, float]:
    """Which epoch was kept, counted from 1, and its accuracy on the validation split."""
    accuracies = history["val_accuracy"]
    best = max(accuracies)
    return {"best_epoch": accuracies.index(best) + 1, "validation_accuracy": round(best, 4)}


def _rate(recipe: Recipe, batches: int) -> Any:
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, decay_steps=batches * recipe.epochs, alpha=0.02
    )


class _Best(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the epoch with the highest validation accuracy."""

    def __init__(self) -> None:
        super().__init__()
        self.accuracy = -1.0
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        if logs["val_accuracy"] > self.accuracy:
            self.accuracy = logs["val_accuracy"]
            self.weights = self.model.get_weights()


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=console,
    )


class _Bar(keras.callbacks.Callback):  # type: ignore[misc]
    """Moves a bar over all batches of all epochs, and writes a line an epoch above it."""

    def __init__(self, progress: Progress, batches: int, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._progress = progress
        self._task = progress.add_task("epoch 1", total=batches * epochs, figures="")

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._progress.update(self._task, description=f"epoch {epoch + 1} of {self._epochs}")

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        figures = f"loss {logs['loss']:.3f}  accuracy {logs['accuracy']:.2%}"
        self._progress.update(self._task, advance=1, figures=figures)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        self._progress.console.print(
            f"epoch {epoch + 1:3}  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.2%}"
            f"  validation loss {logs['val_loss']:.4f}  accuracy {logs['val_accuracy']:.2%}",
            highlight=False,
            soft_wrap=True,
        )
