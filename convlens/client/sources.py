"""A picture (a path, bytes, an array or a Pillow image) becomes the file that is sent."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | NDArray[Any] | Image.Image

# Several pictures. Not `Sequence[Source]`, because a str, which is one path, is a Sequence too.
Several = list[Any] | tuple[Source, ...]

# Pillow's modes that PNG stores without loss; pictures of other modes are sent as TIFF.
_PNG = ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16")


@dataclass(frozen=True, slots=True)
class File:
    """One picture as it is sent."""

    name: str
    data: bytes


def load(source: Source, name: str = "image") -> File:
    """`source` as a file without loss, called `name` if it does not come from a path.

    A str is a path. Raises OSError if it cannot be read, ValueError for an array that is not
    uint8 of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), and TypeError for any other type.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return File(path.name, path.read_bytes())
    if isinstance(source, bytes | bytearray | memoryview):
        return File(name, bytes(source))
    if isinstance(source, np.ndarray):
        return File(name, _saved(_image(source)))
    if isinstance(source, Image.Image):
        return File(name, _saved(source))
    raise TypeError(
        f"A picture is a path, bytes, a numpy array or a Pillow image, not {type(source).__name__}."
    )


def load_all(given: Source | Several) -> list[File]:
    """The file of one picture, or of each of several, where arrays are named by number."""
    if isinstance(given, list | tuple):
        return [load(one, str(i)) for i, one in enumerate(given)]
    return [load(given)]


def _image(array: NDArray[Any]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not fits or not array.size:
        raise ValueError(
            "An array must be uint8 of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), not"
            f" {array.dtype} of shape {array.shape}. Several pictures go as a list."
        )
    return Image.fromarray(array)


def _saved(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    if image.mode in _PNG:
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "TIFF")
    return buffer.getvalue()
