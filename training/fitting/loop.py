"""A recipe and a data set become a trained network, with a bar that shows how far it is.

Where a run stands is all that it needs to go on: weights, optimizer, averages and figures are in
the checkpoint, and the data follow from (seed, epoch, step). So a run that was stopped ends as one
that was not.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.datasets.named import Dataset
from training.fitting import batches
from training.fitting.checkpoints import Position, load, save
from training.fitting.interruption import Interruption
from training.fitting.lowlevel_train_step import LowLevelLearner
from training.fitting.train_step import Learner
from training.networks import lowlevel, whitening
from training.recipes import Recipe

SAVE_EVERY = 60.0
"""Seconds between two checkpoints within an epoch."""

History = dict[str, list[float]]
Watcher = Callable[[int, Mapping[str, float], Any], None]
"""Is told the epoch, counted from 1, its figures and the network as it would be kept."""


def fit(
    recipe: Recipe,
    dataset: Dataset,
    console: Console,
    *,
    checkpoint: Path | None = None,
    watchers: Sequence[Watcher] = (),
) -> tuple[Any, Position]:
    """The trained network, with the weights of its best epoch, and where the run stands at its end.

    The best epoch is the one with the highest accuracy on the validation split. The same seed
    gives the same weights on the same machine. With `checkpoint`, a file, the run goes on where
    that file left off, and leaves one there every minute, after each epoch and when it is
    interrupted. A checkpoint of another recipe raises RecipeError.
    """
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    network = _build(recipe, dataset)
    whitening.whiten(network, dataset.train.images)
    steps = batches.steps(dataset.train, recipe)
    low = isinstance(network, lowlevel.Network)
    learner = (LowLevelLearner if low else Learner)(network, recipe, steps)
    run = _Run(learner, recipe, dataset, steps, checkpoint)
    with _progress(console) as progress, Interruption() as interruption:
        run.finish(_Bar(progress, steps, recipe.epochs), watchers, interruption)
    learner.put(run.position.best)
    return network, run.position


def _build(recipe: Recipe, dataset: Dataset) -> Any:
    """The recipe's network, whose layers compute in the recipe's precision."""
    before = keras.config.dtype_policy()
    mixed = recipe.precision == "bfloat16"
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    try:
        *sides, channels = dataset.shape
        shape = (*([None, None] if recipe.coarse_share else sides), channels)
        return recipe.network(shape, len(dataset.labels))
    finally:
        keras.config.set_dtype_policy(before)


def outcome(position: Position) -> dict[str, float]:
    """Which epoch was kept, counted from 1, its accuracy on the validation split, and the time."""
    accuracies = position.history["val_accuracy"]
    best = max(accuracies)
    return {
        "best_epoch": accuracies.index(best) + 1,
        "validation_accuracy": round(best, 4),
        "training_seconds": round(position.seconds),
    }


class _Run:
    """One training run and where it stands."""

    def __init__(
        self,
        learner: Learner,
        recipe: Recipe,
        dataset: Dataset,
        steps: int,
        checkpoint: Path | None,
    ) -> None:
        self._learner, self._recipe, self._dataset = learner, recipe, dataset
        self._steps, self._checkpoint = steps, checkpoint
        self._epoch = batches.Epochs(dataset.train, recipe)
        self._validation = batches.plain(dataset.validation)
        self._saved = time.monotonic()
        self.position = Position()
        if checkpoint is not None and checkpoint.exists():
            self.position = load(checkpoint, learner.variables(), recipe)

    def finish(self, bar: "_Bar", watchers: Sequence[Watcher], interruption: Interruption) -> None:
        """Train from here to the recipe's last epoch."""
        bar.start(self.position)
        while self.position.epoch < self._recipe.epochs:
            self._train(bar, interruption)
            figures = self._figures()
            with self._learner.averaged() as network:
                for watch in watchers:
                    watch(self.position.epoch + 1, figures, network)
            self.position.close_epoch(figures)
            bar.report(self.position.epoch, figures)
            self.save()

    def save(self) -> None:
        """Leave a checkpoint, where one was asked for."""
        now = time.monotonic()
        self.position.seconds += now - self._saved
        self._saved = now
        if self._checkpoint is not None:
            save(self._checkpoint, self._learner.variables(), self.position, self._recipe)

    def _train(self, bar: "_Bar", interruption: Interruption) -> None:
        position = self.position
        for images, labels in self._epoch.batches(position.epoch, position.step):
            loss, right = self._learner.learn(images, labels)
            position.advance(float(loss), int(right), len(labels))
            bar.advance(position)
            if interruption.asked or time.monotonic() - self._saved > SAVE_EVERY:
                self.save()
            interruption.check()

    def _figures(self) -> dict[str, float]:
        """The epoch's figures; the best weights so far are kept on the way."""
        with self._learner.averaged():
            loss, accuracy = self._learner.evaluate(self._validation)
            if accuracy > self.position.best_accuracy:
                self.position.best = self._learner.take()
        seen = max(1, self.position.seen)
        return {
            "loss": self.position.loss / seen,
            "accuracy": self.position.right / seen,
            "val_loss": loss,
            "val_accuracy": accuracy,
        }


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=console,
    )


class _Bar:
    """Moves a bar over all batches of all epochs, and writes a line an epoch above it."""

    def __init__(self, progress: Progress, steps: int, epochs: int) -> None:
        self._progress, self._steps, self._epochs = progress, steps, epochs
        self._task = progress.add_task("epoch 1", total=steps * epochs, figures="")

    def start(self, position: Position) -> None:
        self._show(position, "")

    def advance(self, position: Position) -> None:
        loss, accuracy = position.loss / position.seen, position.right / position.seen
        self._show(position, f"loss {loss:.3f}  accuracy {accuracy:.2%}")

    def report(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._progress.console.print(
            f"epoch {epoch:3}  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.2%}"
            f"  validation loss {figures['val_loss']:.4f}"
            f"  accuracy {figures['val_accuracy']:.2%}",
            highlight=False,
            soft_wrap=True,
        )

    def _show(self, position: Position, figures: str) -> None:
        self._progress.update(
            self._task,
            completed=position.epoch * self._steps + position.step,
            description=f"epoch {min(position.epoch + 1, self._epochs)} of {self._epochs}",
            figures=figures,
        )
