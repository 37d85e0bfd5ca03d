"""A temperature makes an overconfident network honest, and what is far from all classes is told."""

import numpy as np
import pytest
import tensorflow as tf

from tests.bundles import tiny_dataset, tiny_nodes
from training.exporting import calibration, evaluate, foreign_images, from_keras
from training.exporting.saved_model import Bundle
from training.networks import strong

SHAPE = (12, 12, 1)


def test_temperature_undoes_an_exaggeration() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (4000, 5))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(5, p=row) for row in shares])
    assert calibration.temperature(3 * logits, labels) == pytest.approx(3, rel=0.1)
    assert calibration.calibration_error(shares, labels) < 0.03


def test_calibration_error_is_the_mean_gap_between_sure_and_right() -> None:
    rows = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 10)
    labels = np.array([0] * 5 + [1] * 15)
    assert calibration.calibration_error(rows, labels) == pytest.approx((0.4 + 0.4) / 2)


def test_area_under_the_curve_counts_ties_half() -> None:
    assert calibration.auroc(np.array([1.0, 2.0]), np.array([3.0])) == 1
    assert calibration.auroc(np.array([1.0, 2.0]), np.array([2.0])) == 0.75
    assert calibration.auroc(np.array([1.0, 1.0]), np.array([1.0])) == 0.5


def test_calibrated_bundle_tells_the_unfamiliar_and_tempers_its_probabilities() -> None:
    dataset, nodes = tiny_dataset(SHAPE, count=300), tiny_nodes(SHAPE, 3)
    sure = evaluate.calibrate(Bundle(nodes, SHAPE), dataset)
    bundle = Bundle(nodes, SHAPE, sure)
    images = tf.constant(dataset.validation.images)
    answer, outputs = bundle.predict(images), bundle.activations(images)
    tempered = tf.nn.softmax(outputs["logits"] / sure.temperature)
    assert np.abs(answer["probabilities"] - tempered).max() < 1e-6
    assert np.abs(answer["probabilities"] - outputs["output"]).max() < 1e-6
    scores = answer["unfamiliar"].numpy()
    assert scores.shape == (300,)
    assert (scores > 0.5).mean() == pytest.approx(0.01, abs=0.005)
    blank = bundle.predict(tf.zeros((1, *SHAPE), tf.uint8))["unfamiliar"].numpy()
    assert blank[0] > 0.9


def test_distance_takes_no_more_maps_than_its_matrix_may_grow_to() -> None:
    shape, images = (16, 16, 3), tf.zeros((2, 16, 16, 3), tf.uint8)
    wide = from_keras.convert(strong.cifar10(shape, 3))
    maps = [node.weights["kernel"].shape[-1] for node in wide if node.kind == "convolution"]
    found, _ = Bundle(wide, shape).features(images)
    assert sum(maps) > calibration.WIDEST
    assert sum(maps[:4]) + maps[-1] + 1 == found.shape[1]


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_foreign_images_fill_any_shape_and_repeat_themselves(shape: tuple[int, int, int]) -> None:
    drawn, again = foreign_images.drawings(shape), foreign_images.drawings(shape)
    assert set(drawn) == {"blank", "noise", "speckles", "letters"}
    for kind, images in drawn.items():
        assert images.shape == (foreign_images.COUNT, *shape)
        assert images.dtype == np.uint8
        assert (images == again[kind]).all()
