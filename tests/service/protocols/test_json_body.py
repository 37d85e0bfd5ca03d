"""JSON bodies with as many values as images need, and with many more."""

import json

import numpy as np
import pytest

from service.errors import Invalid, Malformed, TooLarge
from service.protocols import json_body

SHAPE = (28, 28, 1)


def test_largest_number_of_images_is_accepted() -> None:
    images = np.full((8, *SHAPE), 255).tolist()
    content = json_body.read(json.dumps({"instances": images}).encode(), SHAPE, 8)
    assert content["instances"] == images


def test_long_strings_are_accepted() -> None:
    text = json.dumps({"b64": "A" * 1_000_000}).encode()
    assert len(json_body.read(text, SHAPE, 1)["b64"]) == 1_000_000


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b"[[[]]]"])
def test_too_many_values_are_refused(value: bytes) -> None:
    text = b'{"a": [' + b",".join([value] * 30_000) + b"]}"
    with pytest.raises(TooLarge, match="more values than 2 images need"):
        json_body.read(text, SHAPE, 2)


@pytest.mark.parametrize(
    ("text", "refusal"), [(b"", Malformed), (b"{", Malformed), (b"[]", Invalid), (b"1", Invalid)]
)
def test_other_json_than_an_object_is_refused(text: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        json_body.read(text, SHAPE, 1)
