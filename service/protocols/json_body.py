"""A request's JSON text becomes a dictionary, unless it holds more values than a request needs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from service.errors import Invalid, Malformed, TooLarge
from service.protocols.tensors import Shape

OTHER_VALUES = 10_000
"""Values that a request may hold besides pixels: names, requested outputs and parameters."""

INLINE_BYTES = 64 * 1024
"""Up to this many bytes are parsed or written on the event loop: a hop to a thread takes longer."""


def read(text: bytes, shape: Shape, most: int) -> Mapping[str, Any]:
    """The JSON object in `text`, which may hold up to `most` images of `shape` (h, w, c).

    Two bytes of JSON can become an object of 60 bytes, and the parser holds the GIL: so values are
    counted first. Raises TooLarge for too many, Malformed for other text than JSON, Invalid for
    other JSON than an object.
    """
    # A pixel counts at most twice: for its comma, and for its list's bracket if it has one channel.
    # The brackets of rows and images are few enough to count as other values.
    limit = 2 * most * int(np.prod(shape)) + OTHER_VALUES
    if len(text) > limit and _count_values(text) > limit:
        raise TooLarge(
            f"The JSON has more values than {most} images need, the most in one request. Send"
            " fewer images, or send pixels as bytes."
        )
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise Malformed(f"The request is not JSON: {problem}.") from problem
    if not isinstance(content, dict):
        raise Invalid("The request must be an object.")
    return content


def _count_values(text: bytes) -> int:
    """An upper bound on the number of values in `text`."""
    codes = np.frombuffer(text, np.uint8)
    return sum(int(np.count_nonzero(codes == ord(sign))) for sign in ",[{")
