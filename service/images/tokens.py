"""A model's input becomes a token for URLs and back: uint8 pixels ↔ base64url of zlib."""

import base64
import binascii
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from service.errors import BadToken


def encode(pixels: NDArray[np.uint8]) -> str:
    """The token of one model input, uint8 of shape (h, w, c)."""
    # The standard library's zlib takes four times as long and saves 6 %.
    packed = zlib_ng.compress(pixels.tobytes(), 1)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def decode(token: str, shape: Sequence[int]) -> NDArray[np.uint8]:
    """The pixels of `token`, uint8 of `shape` (h, w, c).

    Never unpacks more than the shape asks for. Raises BadToken when `token` is anything else.
    """
    size = int(np.prod(shape))
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, size + 1)
    except (binascii.Error, zlib.error, ValueError) as problem:
        raise BadToken("it is not base64url of compressed pixels") from problem
    if len(raw) != size or not unpacker.eof or unpacker.unused_data:
        raise BadToken(f"it does not hold the {size} bytes of a {tuple(shape)} image")
    return np.frombuffer(raw, dtype=np.uint8).reshape(tuple(shape))
