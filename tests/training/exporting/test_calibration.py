"""The temperature corrects overconfidence, and the score tells out-of-distribution images."""

import numpy as np
import pytest
import tensorflow as tf

from tests.exported_models import tiny_dataset, tiny_layers
from training.exporting import calibration, evaluate, foreign_images, from_keras
from training.exporting.saved_model import ExportedModel
from training.networks import strong

SHAPE = (12, 12, 1)


def test_temperature_undoes_an_exaggeration() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (4000, 5))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(5, p=row) for row in shares])
    assert calibration.temperature(3 * logits, labels) == pytest.approx(3, rel=0.1)
    assert calibration.calibration_error(shares, labels) < 0.03


def test_calibration_error_is_the_mean_gap_between_confidence_and_accuracy() -> None:
    rows = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 10)
    labels = np.array([0] * 5 + [1] * 15)
    assert calibration.calibration_error(rows, labels) == pytest.approx((0.4 + 0.4) / 2)


def test_area_under_the_curve_counts_ties_half() -> None:
    assert calibration.auroc(np.array([1.0, 2.0]), np.array([3.0])) == 1
    assert calibration.auroc(np.array([1.0, 2.0]), np.array([2.0])) == 0.75
    assert calibration.auroc(np.array([1.0, 1.0]), np.array([1.0])) == 0.5


def test_calibrated_model_scores_unfamiliar_images_and_applies_the_temperature() -> None:
    dataset, layers = tiny_dataset(SHAPE, count=300), tiny_layers(SHAPE, 3)
    calibrated = evaluate.calibrate(ExportedModel(layers, SHAPE), dataset)
    model = ExportedModel(layers, SHAPE, calibrated)
    images = tf.constant(dataset.validation.images)
    answer, outputs = model.predict(images), model.activations(images)
    tempered = tf.nn.softmax(outputs["logits"] / calibrated.temperature)
    assert np.abs(answer["probabilities"] - tempered).max() < 1e-6
    assert np.abs(answer["probabilities"] - outputs["output"]).max() < 1e-6
    scores = answer["unfamiliar"].numpy()
    assert scores.shape == (300,)
    assert (scores > 0.5).mean() == pytest.approx(0.01, abs=0.005)
    blank = model.predict(tf.zeros((1, *SHAPE), tf.uint8))["unfamiliar"].numpy()
    assert blank[0] > 0.9


def test_distance_uses_a_limited_number_of_maps() -> None:
    shape, images = (16, 16, 3), tf.zeros((2, 16, 16, 3), tf.uint8)
    wide = from_keras.convert(strong.cifar10(shape, 3))
    maps = [layer.weights["kernel"].shape[-1] for layer in wide if layer.kind == "convolution"]
    found, _ = ExportedModel(wide, shape).features(images)
    assert sum(maps) > calibration.MAX_FEATURES
    assert sum(maps[:4]) + maps[-1] + 1 == found.shape[1]


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_foreign_images_have_any_shape_and_are_reproducible(shape: tuple[int, int, int]) -> None:
    drawn, again = foreign_images.drawings(shape), foreign_images.drawings(shape)
    assert set(drawn) == {"blank", "noise", "speckles", "letters"}
    for kind, images in drawn.items():
        assert images.shape == (foreign_images.COUNT, *shape)
        assert images.dtype == np.uint8
        assert (images == again[kind]).all()
