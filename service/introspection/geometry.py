"""Where windows lie: sizes, strides and TensorFlow's two paddings become places."""

from typing import Literal

Padding = Literal["SAME", "VALID"]


def output(size: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int, int]:
    """The output's size along one axis, and the padding before and after the input.

    SAME: ceil(n / s), surplus padding at the end. VALID: ceil((n − k + 1) / s), none; what is
    left over at the end is not looked at. (TensorFlow, "Notes on padding", tf.nn.)
    """
    if padding == "VALID":
        return max(0, -(-(size - kernel + 1) // stride)), 0, 0
    count = -(-size // stride)
    surplus = max(0, (count - 1) * stride + kernel - size)
    return count, surplus // 2, surplus - surplus // 2


def window(position: int, kernel: int, stride: int, before: int) -> tuple[int, int]:
    """First and one past the last input index under output `position`; either may lie outside."""
    first = position * stride - before
    return first, first + kernel
