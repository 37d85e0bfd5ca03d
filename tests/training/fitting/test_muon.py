"""Muon rotates kernels by an angle and leaves all other weights to Adam."""

import keras
import numpy as np
import pytest

from training.fitting.muon import ADAM, Muon

RATE = 0.1


def _step(
    variable: keras.Variable, gradient: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    optimizer = Muon(RATE)
    optimizer.build([variable])
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_step_of_a_kernel_has_one_size_whatever_the_gradients(scale: float) -> None:
    random = np.random.default_rng(3)
    kernel = random.normal(size=(3, 3, 16, 8)).astype(np.float32)
    kernel *= 8**0.5 / np.linalg.norm(kernel)
    variable = keras.Variable(kernel)
    _step(variable, (scale * random.normal(size=kernel.shape)).astype(np.float32))
    change = (variable.numpy() - kernel).reshape(-1, 8) / RATE
    sizes = np.linalg.svd(change, compute_uv=False)
    assert 0.4 < sizes.min() <= sizes.max() < 1.4


def test_length_of_a_kernel_is_kept() -> None:
    random = np.random.default_rng(3)
    kernel = random.normal(0, 5, (3, 3, 16, 8)).astype(np.float32)
    variable = keras.Variable(kernel)
    _step(variable, random.normal(size=kernel.shape).astype(np.float32))
    assert np.linalg.norm(variable.numpy()) == pytest.approx(8**0.5, rel=0.2)


def test_biases_and_dense_layers_go_by_adam() -> None:
    for shape in ((4,), (6, 4)):
        variable = keras.Variable(np.zeros(shape, np.float32))
        _step(variable, np.full(shape, 7, np.float32))
        assert variable.numpy() == pytest.approx(np.full(shape, -RATE * ADAM), rel=1e-3)
