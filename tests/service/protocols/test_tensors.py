"""Nested JSON and bytes become images of one shape, or a sentence."""

from typing import Any

import numpy as np
import pytest

from service.errors import Invalid, TooLarge
from service.protocols import tensors

PIXELS = np.random.default_rng(1).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)


def test_nested_lists_are_the_array_that_they_were() -> None:
    made = tensors.nested(PIXELS.tolist(), PIXELS.shape)
    assert made.dtype == np.uint8
    assert (made == PIXELS).all()


def test_whole_floats_are_pixels() -> None:
    made = tensors.nested(PIXELS.astype(float).tolist(), PIXELS.shape)
    assert (made == PIXELS).all()


def test_raw_bytes_are_the_array_that_they_were() -> None:
    assert (tensors.raw(PIXELS.tobytes(), PIXELS.shape) == PIXELS).all()


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
def test_what_is_no_image_is_refused_with_a_sentence(value: Any, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        tensors.nested(value, (2, 2))
    assert words in refusal.value.detail


def test_wrong_number_of_bytes_is_refused() -> None:
    with pytest.raises(Invalid, match=r"shape \[1, 2, 2\] takes 4 bytes, not 5"):
        tensors.raw(b"12345", (1, 2, 2))


def test_an_overflowing_shape_does_not_wrap_around() -> None:
    with pytest.raises(Invalid, match="takes 18446744073709551616 bytes"):
        tensors.raw(b"", (2**32, 2**32))


@pytest.mark.parametrize("number", [0, -1])
def test_no_image_is_refused(number: int) -> None:
    with pytest.raises(Invalid):
        tensors.count(number, 8)


def test_too_many_images_are_refused() -> None:
    tensors.count(8, 8)
    with pytest.raises(TooLarge):
        tensors.count(9, 8)
