"""A client's tensor, nested JSON lists or bytes, becomes a uint8 array such as (n, h, w, c)."""

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Invalid, TooLarge

Images = NDArray[np.uint8]
Shape = tuple[int, int, int]

PIXEL_RULE = "Pixels are whole numbers from 0 to 255; the model scales them itself."


def from_nested(value: object, shape: tuple[int, ...], what: str = "images") -> NDArray[np.uint8]:
    """Lists within lists as uint8 of `shape`.

    Memory grows with `value`, never with `shape`. Raises Invalid for ragged lists, for another
    shape, and for elements that are not whole numbers from 0 to 255.
    """
    level: list[Any] = [value]
    for depth, length in enumerate(shape):
        if set(map(type, level)) != {list}:
            raise Invalid(f"`{what}` needs lists within lists of shape {as_text(shape)}.")
        found = set(map(len, level))
        if found != {length}:
            wrong = min(found - {length})
            raise Invalid(
                f"`{what}` has {wrong} values in dimension {depth} where {length} belong: its"
                f" shape must be {as_text(shape)}."
            )
        level = list(chain.from_iterable(level))
    return from_flat(level, what).reshape(shape)


def from_flat(values: list[Any], what: str = "images") -> NDArray[np.uint8]:
    """A list of whole numbers from 0 to 255 as uint8 (n,); raises Invalid for other elements."""
    kinds = set(map(type, values))
    try:
        if kinds <= {int}:
            return np.frombuffer(bytes(values), np.uint8)
        if kinds <= {int, float}:
            return _to_uint8(np.array(values, np.float64))
    except ValueError as problem:
        raise Invalid(f"`{what}` has a number that is not a pixel value. {PIXEL_RULE}") from problem
    names = sorted(_JSON_NAMES.get(kind, "a list") for kind in kinds - {int, float})
    raise Invalid(f"`{what}` has {' and '.join(names)} where a number belongs. {PIXEL_RULE}")


def from_bytes(data: bytes | memoryview, shape: tuple[int, ...], what: str = "images") -> Images:
    """Bytes in row-major order as uint8 of `shape`; raises Invalid if their number does not fit."""
    size = int(np.prod(shape, dtype=object))
    if len(data) != size:
        raise Invalid(f"`{what}` of shape {as_text(shape)} takes {size} bytes, not {len(data)}.")
    return np.frombuffer(data, np.uint8).reshape(shape)


def check_count(images: int, most: int) -> None:
    """Raise Invalid for no images, TooLarge for more than `most`."""
    if images < 1:
        raise Invalid(
            "There is no image in the request: the first dimension is the number of images."
        )
    if images > most:
        raise TooLarge(f"The request has {images} images; at most {most} are taken at once.")


def as_text(shape: tuple[int, ...]) -> str:
    """A shape as JSON: `[2, 28, 28, 1]`."""
    return str(list(shape))


_JSON_NAMES = {str: "a string", bool: "true or false", type(None): "null", dict: "an object"}


def _to_uint8(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    if not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
        raise ValueError("not whole, or outside 0 to 255")
    return values.astype(np.uint8)
