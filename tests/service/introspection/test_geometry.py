"""Sizes and paddings: the lecture's numbers, and random ones compared with TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from service.introspection import geometry

SIZE = st.integers(1, 40)
STEP = st.integers(1, 7)
PADDING: st.SearchStrategy[geometry.Padding] = st.sampled_from(["SAME", "VALID"])


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (5, 3, 1, "VALID", (3, 0, 0)),
        (3, 2, 1, "VALID", (2, 0, 0)),
        (3, 2, 1, "SAME", (3, 0, 1)),
        (28, 3, 1, "SAME", (28, 1, 1)),
        (28, 3, 2, "SAME", (14, 0, 1)),
        (14, 2, 2, "SAME", (7, 0, 0)),
        (11, 2, 2, "VALID", (5, 0, 0)),
        (5, 1, 3, "SAME", (2, 0, 0)),
        (3, 4, 1, "VALID", (0, 0, 0)),
    ],
)
def test_output_and_padding(
    size: int,
    kernel: int,
    stride: int,
    padding: geometry.Padding,
    expected: tuple[int, int, int],
) -> None:
    assert geometry.output(size, kernel, stride, padding) == expected


@settings(deadline=None)
@given(SIZE, STEP, STEP, PADDING)
def test_windows_agree_with_tensorflow(
    size: int, kernel: int, stride: int, padding: geometry.Padding
) -> None:
    """With inputs 1, 2, 4, …, the sum of a window tells which inputs are in it."""
    if padding == "VALID" and kernel > size:
        return
    values = 2.0 ** np.arange(size)
    ones = np.ones((1, kernel, 1, 1))
    expected = tf.nn.conv2d(values[np.newaxis, np.newaxis, :, np.newaxis], ones, stride, padding)
    count, before, _ = geometry.output(size, kernel, stride, padding)
    spans = [geometry.window(i, kernel, stride, before) for i in range(count)]
    sums = [values[max(0, first) : last].sum() for first, last in spans]
    assert sums == expected.numpy().ravel().tolist()


@given(SIZE, STEP, STEP)
def test_surplus_padding_is_at_the_end(size: int, kernel: int, stride: int) -> None:
    _, before, after = geometry.output(size, kernel, stride, "SAME")
    assert after - before in (0, 1)


@given(SIZE, STEP, STEP, PADDING)
def test_last_window_ends_inside_the_padded_input(
    size: int, kernel: int, stride: int, padding: geometry.Padding
) -> None:
    count, before, after = geometry.output(size, kernel, stride, padding)
    if count:
        assert geometry.window(count - 1, kernel, stride, before)[1] <= size + after
