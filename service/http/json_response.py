"""Values and numpy arrays become JSON responses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from starlette.responses import Response


class JSON(Response):
    """A JSON response; numpy arrays become lists, NaN and infinities become null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dump(content)


def dump(content: Any) -> bytes:
    """`content` as JSON; numpy arrays become lists, NaN and infinities become null."""
    return orjson.dumps(content, default=_as_list, option=orjson.OPT_SERIALIZE_NUMPY)


class EncodedJSON(Response):
    """A 200 response whose body is JSON bytes already, with raw `headers`, names in lower case."""

    def __init__(self, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), *headers]


def _as_list(value: object) -> object:
    """The list of an array that orjson cannot encode because it is not contiguous in memory."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be encoded as JSON")
