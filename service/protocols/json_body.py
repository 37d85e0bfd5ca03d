"""A request's JSON becomes an object, unless it holds more values than any request needs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from service.errors import Invalid, Malformed, TooLarge
from service.protocols.tensors import Shape

# Besides pixels: names, wishes and parameters.
OTHERS = 10_000


def read(text: bytes, shape: Shape, most: int) -> Mapping[str, Any]:
    """The JSON object `text`, large enough for `most` images of `shape`.

    Two bytes of JSON can become an object of sixty, while no other thread runs: so values are
    counted before they are made. Raises TooLarge, Malformed for no JSON, Invalid for no object.
    """
    # A pixel may have a comma and a list of its own.
    limit = 2 * most * int(np.prod(shape)) + OTHERS
    if len(text) > limit and _values(text) > limit:
        raise TooLarge(
            f"The JSON has more values than {most} images need, which are taken at once. Send"
            " fewer, or send pixels as bytes."
        )
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise Malformed(f"The request is not JSON: {problem}.") from problem
    if not isinstance(content, dict):
        raise Invalid("The request must be an object.")
    return content


def _values(text: bytes) -> int:
    """At least as many as there are values in `text`."""
    codes = np.frombuffer(text, np.uint8)
    return sum(int(np.count_nonzero(codes == ord(sign))) for sign in ",[{")
