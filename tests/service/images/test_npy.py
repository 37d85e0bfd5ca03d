"""Arrays instead of image files: taken as they are, or refused for what their header says."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import BadImage, TooLarge
from service.images import npy as arrays

GREY = (4, 5, 1)


def npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def pixels(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(4, 5), GREY, (3, 4, 5), (3, *GREY)])
def test_one_or_many_grey_images_are_taken(shape: tuple[int, ...]) -> None:
    given = pixels(*shape)
    assert (arrays.stack(npy(given), GREY, 3) == given.reshape(-1, *GREY)).all()


@pytest.mark.parametrize("shape", [(4, 5, 3), (2, 4, 5, 3)])
def test_one_or_many_colour_images_are_taken(shape: tuple[int, ...]) -> None:
    given = pixels(*shape)
    assert (arrays.stack(npy(given), (4, 5, 3), 3) == given.reshape(-1, 4, 5, 3)).all()


@pytest.mark.parametrize("shape", [(), (4,), (5, 4), (4, 5, 3), (2, 4, 5, 3), (1, 1, 4, 5, 1)])
def test_other_shapes_are_refused_with_the_right_one(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadImage, match=r"takes uint8 \(n, 4, 5, 1\)"):
        arrays.stack(npy(pixels(*shape)), GREY, 3)


@pytest.mark.parametrize("count", [0, 4])
def test_count_outside_the_limit_is_refused(count: int) -> None:
    with pytest.raises(TooLarge):
        arrays.stack(npy(pixels(count, 4, 5)), GREY, 3)


@pytest.mark.parametrize(
    "content",
    [
        arrays.MAGIC,
        arrays.MAGIC + b"\1\0v\0{1",
        # Found by a fuzzer: lines, brackets and depths that only Python's own parser stumbles on.
        arrays.MAGIC + b"\1\0\x05\0{(\n (",
        arrays.MAGIC + b"\1\0\x08\0(\n  (\n )",
        arrays.MAGIC + b"\1\0\xe8\x03" + b"(" * 1000,
        arrays.MAGIC + b"\1\0\xe8\x03" + b"-" * 1000,
        arrays.MAGIC + b"\x09\0" + npy(pixels(4, 5))[8:],
        npy(pixels(4, 5))[:-1],
        npy(pixels(4, 5)) + b"\0",
        npy(pixels(4, 5).astype(np.float32)),
        npy(np.array([object()] * 20).reshape(4, 5)),
        npy(np.asfortranarray(pixels(4, 5))),
        npy(pixels(2, 4, 5)).replace(b"(2, 4", b"(10**9, 4"),
        npy(pixels(2, 4, 5)).replace(b"'|u1'", b"'|u9'"),
    ],
)
def test_damaged_or_hostile_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadImage):
        arrays.stack(content, GREY, 3)
