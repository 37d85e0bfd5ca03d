"""The bytes of an .npy file become model inputs, unchanged."""

import io
import tokenize
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import BadImage, TooLarge

MAGIC = b"\x93NUMPY"

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

# What numpy's header reader, which uses Python's tokenizer, raises on damaged headers.
_DAMAGE = (
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,
)


def stack(data: bytes, shape: tuple[int, int, int], most: int) -> NDArray[np.uint8]:
    """The uint8 images (n, h, w, c) in `data`, where one of them has `shape` (h, w, c).

    A single image may lack n, a grey one c. The array is a view of `data`, so nothing is allocated
    for the size that a header claims. Raises BadImage, and TooLarge for more than `most` images.
    """
    shape_in_header, kind, pixels = _read(data)
    single = (shape, shape[:2]) if shape[2] == 1 else (shape,)
    if kind != np.uint8 or not (shape_in_header in single or shape_in_header[1:] in single):
        raise BadImage(
            f"The array is {kind} {shape_in_header}; this model takes uint8 (n, {_words(shape)})."
        )
    count = 1 if shape_in_header in single else shape_in_header[0]
    if not 1 <= count <= most:
        raise TooLarge(f"The array has {count} images; 1 to {most} are taken at once.")
    if len(pixels) != count * int(np.prod(shape)):
        raise BadImage("The array has another number of bytes than its header says.")
    return np.frombuffer(pixels, np.uint8).reshape(count, *shape)


def _read(data: bytes) -> tuple[tuple[int, ...], np.dtype[Any], memoryview]:
    """Shape, dtype and the bytes after the header."""
    file = io.BytesIO(data)
    try:
        shape, columns_first, kind = _HEADERS[np.lib.format.read_magic(file)](file)
    except _DAMAGE as problem:
        raise BadImage("The .npy file has a damaged header. Write it with numpy.save.") from problem
    if columns_first:
        raise BadImage("The array lies in Fortran order. Save numpy.ascontiguousarray of it.")
    return shape, kind, memoryview(data)[file.tell() :]


def _words(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
