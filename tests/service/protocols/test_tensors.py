"""Nested lists and bytes become arrays of one shape, or are refused with a sentence."""

from typing import Any

import numpy as np
import pytest

from service.errors import Invalid, TooLarge
from service.protocols import tensors

PIXELS = np.random.default_rng(1).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)


def test_nested_lists_become_the_array() -> None:
    made = tensors.from_nested(PIXELS.tolist(), PIXELS.shape)
    assert made.dtype == np.uint8
    assert (made == PIXELS).all()


def test_whole_floats_become_pixels() -> None:
    made = tensors.from_nested(PIXELS.astype(float).tolist(), PIXELS.shape)
    assert (made == PIXELS).all()


def test_bytes_become_the_array() -> None:
    assert (tensors.from_bytes(PIXELS.tobytes(), PIXELS.shape) == PIXELS).all()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1, "lists within lists of shape [2, 2]"),
        ([1, 2], "lists within lists"),
        ([[1, 2], 3], "lists within lists"),
        ([[1, 2]], "1 values in dimension 0 where 2 belong"),
        ([[1, 2], [3]], "1 values in dimension 1 where 2 belong"),
        ([[1, 2], [3, 4, 5]], "3 values in dimension 1"),
        ([[1, 2], [3, [4]]], "a list"),
        ([[1, 2], [3, "4"]], "a string where a number belongs"),
        ([[1, 2], [3, True]], "true or false"),
        ([[1, 2], [3, None]], "null"),
        ([[1, 2], [3, {"b64": ""}]], "an object"),
        ([[1, 2], [3, 256]], "whole numbers from 0 to 255"),
        ([[1, 2], [3, -1]], "whole numbers from 0 to 255"),
        ([[1, 2], [3, 10**15]], "whole numbers from 0 to 255"),
        ([[1, 2], [3, 0.5]], "whole numbers from 0 to 255"),
        ([[1, 2], [3, 1e300]], "whole numbers from 0 to 255"),
        ([[1, 2], [3, float("nan")]], "whole numbers from 0 to 255"),
    ],
)
def test_other_values_are_refused_with_a_sentence(value: Any, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        tensors.from_nested(value, (2, 2))
    assert words in refusal.value.detail


def test_wrong_number_of_bytes_is_refused() -> None:
    with pytest.raises(Invalid, match=r"shape \[1, 2, 2\] takes 4 bytes, not 5"):
        tensors.from_bytes(b"12345", (1, 2, 2))


def test_size_of_a_huge_shape_does_not_overflow() -> None:
    with pytest.raises(Invalid, match="takes 18446744073709551616 bytes"):
        tensors.from_bytes(b"", (2**32, 2**32))


@pytest.mark.parametrize("number", [0, -1])
def test_no_image_is_refused(number: int) -> None:
    with pytest.raises(Invalid):
        tensors.check_count(number, 8)


def test_too_many_images_are_refused() -> None:
    tensors.check_count(8, 8)
    with pytest.raises(TooLarge):
        tensors.check_count(9, 8)
