"""A client's tensor, nested JSON or bytes, becomes images: uint8 (n, h, w, c), or a refusal."""

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Invalid, TooLarge

Images = NDArray[np.uint8]
Shape = tuple[int, int, int]

SCALE = "Pixels are whole numbers from 0 to 255; the model scales them itself."


def nested(value: object, shape: tuple[int, ...], what: str = "images") -> NDArray[np.uint8]:
    """Lists within lists as uint8 of `shape`, every list of the length that `shape` asks for.

    Never makes more of `value` than it holds. Raises Invalid for ragged lists, another shape, and
    what is no whole number from 0 to 255.
    """
    level: list[Any] = [value]
    for depth, length in enumerate(shape):
        if set(map(type, level)) != {list}:
            raise Invalid(f"`{what}` needs lists within lists of shape {said(shape)}.")
        found = set(map(len, level))
        if found != {length}:
            wrong = min(found - {length})
            raise Invalid(
                f"`{what}` has {wrong} values in dimension {depth} where {length} belong: its"
                f" shape is {said(shape)}."
            )
        level = list(chain.from_iterable(level))
    return flat(level, what).reshape(shape)


def flat(values: list[Any], what: str = "images") -> NDArray[np.uint8]:
    """A list of whole numbers from 0 to 255 as uint8 (len,); Invalid for anything else in it."""
    kinds = set(map(type, values))
    try:
        if kinds <= {int}:
            return np.frombuffer(bytes(values), np.uint8)
        if kinds <= {int, float}:
            return _whole(np.array(values, np.float64))
    except ValueError as problem:
        raise Invalid(f"`{what}` has a number that is no pixel. {SCALE}") from problem
    names = sorted(_JSON.get(kind, "a list") for kind in kinds - {int, float})
    raise Invalid(f"`{what}` has {' and '.join(names)} where a number belongs. {SCALE}")


def raw(data: bytes | memoryview, shape: tuple[int, ...], what: str = "images") -> Images:
    """Bytes in row-major order as uint8 of `shape`; Invalid where their number does not fit."""
    size = int(np.prod(shape, dtype=object))
    if len(data) != size:
        raise Invalid(f"`{what}` of shape {said(shape)} takes {size} bytes, not {len(data)}.")
    return np.frombuffer(data, np.uint8).reshape(shape)


def count(images: int, most: int) -> None:
    """Refuse no images with Invalid and more than `most` with TooLarge."""
    if images < 1:
        raise Invalid("There is no image in the request: the first dimension is how many.")
    if images > most:
        raise TooLarge(f"The request has {images} images; at most {most} are taken at once.")


def said(shape: tuple[int, ...]) -> str:
    """A shape as a client writes it: `[2, 28, 28, 1]`."""
    return str(list(shape))


_JSON = {str: "a string", bool: "true or false", type(None): "null", dict: "an object"}


def _whole(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    if not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
        raise ValueError("not whole, or outside 0 to 255")
    return values.astype(np.uint8)
