"""Sizes, strides and TensorFlow's two paddings become the positions of windows along one axis."""

from typing import Literal

Padding = Literal["SAME", "VALID"]


def output(size: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int, int]:
    """The output's size along one axis, and how much padding lies before and after the input.

    With input size n, kernel size k and stride s, SAME gives ceil(n / s), with the odd cell of
    padding at the end, and VALID gives ceil((n − k + 1) / s) without padding, which may leave input
    cells at the end unused. (TensorFlow, "Notes on padding", tf.nn.)
    """
    if padding == "VALID":
        return max(0, -(-(size - kernel + 1) // stride)), 0, 0
    count = -(-size // stride)
    surplus = max(0, (count - 1) * stride + kernel - size)
    return count, surplus // 2, surplus - surplus // 2


def window(position: int, kernel: int, stride: int, before: int) -> tuple[int, int]:
    """First and one past the last input index under output `position`, less than 0 in padding.

    `before` is how much padding lies before the input, see `output`.
    """
    first = position * stride - before
    return first, first + kernel
