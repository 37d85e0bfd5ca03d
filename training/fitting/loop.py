"""A recipe and a data set become a trained network: the training loop and its progress bar.

The checkpoint holds weights, optimizer, averages and figures, and the batches depend on (seed,
epoch, step) alone. So an interrupted run that is resumed ends with the same weights as one that was
not interrupted.
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
from training.fitting.checkpoints import TrainingState, load, save
from training.fitting.interruption import Interruption
from training.fitting.lowlevel_train_step import LowLevelTrainer
from training.fitting.train_step import Trainer
from training.networks import lowlevel, whitening
from training.recipes import Recipe

SAVE_EVERY = 60.0
"""Seconds between two checkpoints within an epoch."""

Callback = Callable[[int, Mapping[str, float], Any], None]
"""Called after each epoch with its number, from 1, its figures and the (averaged) network."""


def fit(
    recipe: Recipe,
    dataset: Dataset,
    console: Console,
    *,
    checkpoint: Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> tuple[Any, TrainingState]:
    """The trained network, with the weights of its best epoch, and the final state of the run.

    The best epoch is the one with the highest accuracy on the validation split. The same seed
    gives the same weights on the same machine. If the file `checkpoint` exists the run continues
    from it; it is written every SAVE_EVERY seconds, after each epoch and after an interruption.
    Raises RecipeError for a checkpoint of another recipe, and KeyboardInterrupt after SIGINT or
    SIGTERM.
    """
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    network = _build(recipe, dataset)
    whitening.whiten(network, dataset.train.images)
    steps = batches.steps_per_epoch(dataset.train, recipe)
    kind = LowLevelTrainer if isinstance(network, lowlevel.Network) else Trainer
    trainer = kind(network, recipe, steps)
    run = _Run(trainer, recipe, dataset, steps, checkpoint)
    with _progress(console) as progress, Interruption() as interruption:
        run.finish(_Bar(progress, steps, recipe.epochs), callbacks, interruption)
    trainer.set_weights(run.state.best)
    return network, run.state


def _build(recipe: Recipe, dataset: Dataset) -> Any:
    """The recipe's network for the data set, in the recipe's precision."""
    previous = keras.config.dtype_policy()
    mixed = recipe.precision == "bfloat16"
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    try:
        *sides, channels = dataset.shape
        shape = (*([None, None] if recipe.coarse_share else sides), channels)
        return recipe.network(shape, len(dataset.labels))
    finally:
        keras.config.set_dtype_policy(previous)


def outcome(state: TrainingState) -> dict[str, float]:
    """For the manifest: the kept epoch, from 1, its validation accuracy, and the seconds."""
    accuracies = state.history["val_accuracy"]
    best = max(accuracies)
    return {
        "best_epoch": accuracies.index(best) + 1,
        "validation_accuracy": round(best, 4),
        "training_seconds": round(state.seconds),
    }


class _Run:
    """One training run with its state."""

    def __init__(
        self,
        trainer: Trainer,
        recipe: Recipe,
        dataset: Dataset,
        steps: int,
        checkpoint: Path | None,
    ) -> None:
        self._trainer, self._recipe = trainer, recipe
        self._steps, self._checkpoint = steps, checkpoint
        self._train_batches = batches.TrainingBatches(dataset.train, recipe)
        self._validation_batches = batches.evaluation_batches(dataset.validation)
        self._saved = time.monotonic()
        self.state = TrainingState()
        if checkpoint is not None and checkpoint.exists():
            self.state = load(checkpoint, trainer.variables(), recipe)

    def finish(
        self, bar: "_Bar", callbacks: Sequence[Callback], interruption: Interruption
    ) -> None:
        """Train up to the recipe's last epoch."""
        bar.start(self.state)
        while self.state.epoch < self._recipe.epochs:
            self._train(bar, interruption)
            figures = self._figures()
            with self._trainer.averaged() as network:
                for callback in callbacks:
                    callback(self.state.epoch + 1, figures, network)
            self.state.close_epoch(figures)
            bar.report(self.state.epoch, figures)
            self.save()

    def save(self) -> None:
        """Write a checkpoint if the run has one."""
        now = time.monotonic()
        self.state.seconds += now - self._saved
        self._saved = now
        if self._checkpoint is not None:
            save(self._checkpoint, self._trainer.variables(), self.state, self._recipe)

    def _train(self, bar: "_Bar", interruption: Interruption) -> None:
        state = self.state
        for images, labels in self._train_batches.batches(state.epoch, state.step):
            loss, correct = self._trainer.step(images, labels)
            state.advance(float(loss), int(correct), len(labels))
            bar.advance(state)
            if interruption.requested or time.monotonic() - self._saved > SAVE_EVERY:
                self.save()
            interruption.check()

    def _figures(self) -> dict[str, float]:
        """The epoch's figures; its weights are kept if no epoch was more accurate before."""
        with self._trainer.averaged():
            loss, accuracy = self._trainer.evaluate(self._validation_batches)
            if accuracy > self.state.best_accuracy:
                self.state.best = self._trainer.get_weights()
        seen = max(1, self.state.seen)
        return {
            "loss": self.state.loss / seen,
            "accuracy": self.state.right / seen,
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
    """A progress bar over the steps of all epochs, with one line per epoch above it."""

    def __init__(self, progress: Progress, steps: int, epochs: int) -> None:
        self._progress, self._steps, self._epochs = progress, steps, epochs
        self._task = progress.add_task("epoch 1", total=steps * epochs, figures="")

    def start(self, state: TrainingState) -> None:
        self._show(state, "")

    def advance(self, state: TrainingState) -> None:
        loss, accuracy = state.loss / state.seen, state.right / state.seen
        self._show(state, f"loss {loss:.3f}  accuracy {accuracy:.2%}")

    def report(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._progress.console.print(
            f"epoch {epoch:3}  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.2%}"
            f"  validation loss {figures['val_loss']:.4f}"
            f"  accuracy {figures['val_accuracy']:.2%}",
            highlight=False,
            soft_wrap=True,
        )

    def _show(self, state: TrainingState, figures: str) -> None:
        self._progress.update(
            self._task,
            completed=state.epoch * self._steps + state.step,
            description=f"epoch {min(state.epoch + 1, self._epochs)} of {self._epochs}",
            figures=figures,
        )
