"""Fitting keeps the best epoch, shows where it is, and repeats itself for the same seed."""

import io
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from rich.console import Console

from tests.exported_models import tiny_dataset
from training.errors import RecipeError
from training.fitting.batches import TrainingBatches, evaluation_batches
from training.fitting.checkpoints import TrainingState
from training.fitting.loop import fit, outcome
from training.networks import strong, whitening
from training.recipes import RECIPES, Recipe

SHAPE = (20, 20, 3)


def _recipe(**changes: Any) -> Recipe:
    """The recipe with dropout, shuffling and every kind of variation, made short."""
    recipe = replace(RECIPES["mnist-lecture"], epochs=2, batch_size=8, flip=True)
    return replace(recipe, **changes)


def _fit(recipe: Recipe) -> tuple[list[Any], Mapping[str, list[float]], str]:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    network, position = fit(recipe, tiny_dataset(SHAPE), console)
    return network.get_weights(), position.history, written.getvalue()


def _same(one: list[Any], other: list[Any]) -> bool:
    return all((a == b).all() for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def fitted() -> tuple[list[Any], Mapping[str, list[float]], str]:
    return _fit(_recipe(seed=5))


def test_same_seed_gives_the_same_weights_and_another_seed_others(
    fitted: tuple[list[Any], Mapping[str, list[float]], str],
) -> None:
    np.random.default_rng().random(3)
    assert _same(fitted[0], _fit(_recipe(seed=5))[0])
    assert not _same(fitted[0], _fit(_recipe(seed=6))[0])


def test_bar_tells_epoch_time_left_and_accuracy(
    fitted: tuple[list[Any], Mapping[str, list[float]], str],
) -> None:
    _, history, written = fitted
    assert "epoch 2 of 2" in written
    assert "6/6" in written
    assert "0:00:00" in written
    assert f"accuracy {history['val_accuracy'][-1]:.2%}" in written


def test_best_epoch_on_the_validation_split_is_kept() -> None:
    dataset = tiny_dataset(SHAPE)
    recipe = _recipe(epochs=4, learning_rate=0.01, schedule="constant")
    network, position = fit(recipe, dataset, Console(file=io.StringIO()))
    rows = network.predict(dataset.validation.images.astype(np.float32) / 255, verbose=0)
    accuracy = (rows.argmax(axis=1) == dataset.validation.labels).mean()
    assert accuracy == pytest.approx(position.best_accuracy)


def test_outcome_counts_from_one_and_takes_the_first_of_equals() -> None:
    history = {"val_accuracy": [0.5, 0.75, 0.75], "accuracy": [0.1, 0.2, 0.9]}
    assert outcome(TrainingState(history=history, seconds=7.4)) == {
        "best_epoch": 2,
        "validation_accuracy": 0.75,
        "training_seconds": 7,
    }


def _tiny(shape: tuple[int | None, int | None, int], classes: int) -> Any:
    """One of each part of the strong networks, as few maps as do: they take minutes to trace."""
    images = keras.Input(shape, name="images")  # 20×20×3
    x = layers.Conv2D(24, 2, activation="relu", name=whitening.LAYER)(images)  # 19×19×24
    x = strong._convolution(x, 6, "conv1", pool=True)  # 9×9×6
    x = strong._residual(x, 6, "block1")  # 9×9×6
    x = layers.GlobalMaxPooling2D(name="pool")(x)  # 6
    x = layers.Dropout(0.2, name="dropout")(x)  # 6
    x = layers.Dense(classes, activation="softmax", name="output", dtype="float32")(x)  # 3
    network = keras.Model(images, x, name="tiny")
    network.get_layer(whitening.LAYER).trainable = False
    return network


STRONG: dict[str, Any] = {
    "network": _tiny,
    "optimizer": "muon",
    "average": 0.9,
    "coarse": 0.8,
    "coarse_share": 0.6,
}
MIXED: dict[str, Any] = {"network": _tiny, "optimizer": "muon", "precision": "bfloat16"}


@pytest.mark.parametrize(
    "changes",
    [{}, {"average": 0.9, "smoothing": 0.1, "optimizer": "sgd"}, {"average": 0.9, **MIXED}, STRONG],
)
def test_interrupted_run_goes_on_and_ends_as_an_uninterrupted_one(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    recipe, dataset = _recipe(epochs=3, **changes), tiny_dataset(SHAPE)
    whole, figures = fit(recipe, dataset, Console(file=io.StringIO()))
    path = tmp_path / "runs" / "run.npz"

    def interrupt(epoch: int, logs: Mapping[str, float], network: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)  # The run stops one step into the next epoch.

    with pytest.raises(KeyboardInterrupt):
        fit(recipe, dataset, Console(file=io.StringIO()), checkpoint=path, callbacks=[interrupt])
    np.random.default_rng().random(3)
    seen: list[int] = []
    resumed, again = fit(
        recipe,
        dataset,
        Console(file=io.StringIO()),
        checkpoint=path,
        callbacks=[lambda epoch, logs, network: seen.append(epoch)],
    )
    assert seen == [2, 3]
    assert again.history == figures.history
    assert _same(whole.get_weights(), resumed.get_weights())


def test_mixed_precision_computes_in_bfloat16_and_keeps_weights_and_answers_in_float32() -> None:
    network, _ = fit(_recipe(epochs=1, **MIXED), tiny_dataset(SHAPE), Console(file=io.StringIO()))
    assert {layer.compute_dtype for layer in network.layers[1:-1]} == {"bfloat16"}
    assert {str(weights.dtype) for weights in network.get_weights()} == {"float32"}
    assert network(np.zeros((1, *SHAPE), np.float32)).dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    path, dataset = tmp_path / "run.npz", tiny_dataset(SHAPE)
    fit(_recipe(epochs=1), dataset, Console(file=io.StringIO()), checkpoint=path)
    other = _recipe(epochs=1, learning_rate=0.5, batch_size=4)
    with pytest.raises(RecipeError, match="another batch_size, learning_rate"):
        fit(other, dataset, Console(file=io.StringIO()), checkpoint=path)


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    path.write_bytes(b"PK")
    with pytest.raises(RecipeError, match="Remove it to start anew"):
        fit(_recipe(), tiny_dataset(SHAPE), Console(file=io.StringIO()), checkpoint=path)


def _first_batch(recipe: Recipe, shape: tuple[int, int, int] = SHAPE) -> Any:
    return next(iter(TrainingBatches(tiny_dataset(shape).train, recipe).batches(0)))


def test_without_variation_images_are_only_shuffled_and_scaled() -> None:
    split = tiny_dataset(SHAPE).train
    plain = _recipe(rotation=0, shift=0, zoom=0, flip=False, stroke=False, batch_size=24)
    images, labels = next(iter(TrainingBatches(split, plain).batches(0)))
    order = np.lexsort(split.images.reshape(24, -1).T)
    ours = np.round(images.numpy() * 255).astype(np.uint8)
    found = np.lexsort(ours.reshape(24, -1).T)
    assert (ours[found] == split.images[order]).all()
    assert (labels.numpy()[found] == split.labels[order]).all()
    assert not (ours == split.images).all()


@pytest.mark.parametrize(
    "change",
    [
        {"rotation": 20.0},
        {"shift": 2.0},
        {"zoom": 0.3},
        {"slant": 0.3, "rotation": 1.0},
        {"elastic": 1.0},
        {"flip": True},
        {"stroke": True},
        {"cutout": 6},
        {"light": 0.8},
    ],
)
def test_each_variation_changes_images_and_keeps_them_in_range(change: dict[str, Any]) -> None:
    none = _recipe(rotation=0, shift=0, zoom=0, flip=False, stroke=False)
    plain, varied = _first_batch(none)[0], _first_batch(replace(none, **change))[0]
    assert varied.shape == plain.shape
    assert (varied.numpy() != plain.numpy()).any()
    assert 0 <= varied.numpy().min() <= varied.numpy().max() <= 1 + 1e-5


def test_flip_mirrors_whole_images_left_to_right() -> None:
    none = _recipe(rotation=0, shift=0, zoom=0, flip=False, stroke=False)
    plain, flipped = _first_batch(none)[0].numpy(), _first_batch(replace(none, flip=True))[0]
    mirrored = [np.allclose(a, b[:, ::-1], atol=1e-4) for a, b in zip(plain, flipped, strict=True)]
    same = [np.allclose(a, b, atol=1e-4) for a, b in zip(plain, flipped, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert any(mirrored)


def test_shift_moves_by_whole_pixels() -> None:
    none = _recipe(rotation=0, shift=0, zoom=0, flip=False, stroke=False)
    plain = _first_batch(none, (20, 20, 1))[0].numpy()
    moved = _first_batch(replace(none, shift=2), (20, 20, 1))[0].numpy()
    inner = slice(4, -4)
    for before, after in zip(plain, moved, strict=True):
        shifts = [np.roll(before, (y, x), (0, 1)) for y in range(-2, 3) for x in range(-2, 3)]
        assert any(np.allclose(one[inner, inner], after[inner, inner], atol=1e-4) for one in shifts)


def test_early_epochs_are_of_smaller_images() -> None:
    recipe = _recipe(epochs=4, coarse=0.75, coarse_share=0.5)
    epochs = TrainingBatches(tiny_dataset(SHAPE).train, recipe)
    sizes = [next(iter(epochs.batches(epoch)))[0].shape[1:] for epoch in range(4)]
    assert sizes == [(15, 15, 3), (15, 15, 3), SHAPE, SHAPE]


def test_run_of_smaller_images_takes_no_other_number_of_epochs_once_that_matters(
    tmp_path: Path,
) -> None:
    path, written = tmp_path / "run.npz", Console(file=io.StringIO())
    recipe = _recipe(schedule="constant", **STRONG)
    fit(recipe, tiny_dataset(SHAPE), written, checkpoint=path)
    with pytest.raises(RecipeError, match="another epochs"):
        fit(replace(recipe, epochs=3), tiny_dataset(SHAPE), written, checkpoint=path)


def test_evaluation_pipeline_keeps_the_order() -> None:
    split = tiny_dataset(SHAPE).test
    batches = list(evaluation_batches(split, batch_size=10))
    assert [len(labels) for _, labels in batches] == [10, 10, 4]
    images = tf.concat([images for images, _ in batches], axis=0).numpy()
    assert np.abs(images * 255 - split.images).max() < 1e-4
