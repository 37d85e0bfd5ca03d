"""One answer in several shapes: what a request accepts decides between JSON, PNG and .npy."""

import asyncio
import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import mimeparse
import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from service.errors import (
    Invalid,
    Malformed,
    NotAcceptable,
    NotFound,
    NotReady,
    TooLarge,
    UnsupportedImage,
    WrongKind,
)
from service.http import problems

Encoding = Literal["list", "base64"]
# Up to this many bytes of an array are copied faster than a thread is waited for.
SMALL = 256 * 1024

TYPES = {"json": "application/json", "png": "image/png", "npy": "application/x-npy"}


class JSON(Response):
    """A JSON answer; numpy arrays in it become lists, and no number in it is ever NaN."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dump(content)


def dump(content: Any) -> bytes:
    """`content` as JSON; numpy arrays in it become lists."""
    return orjson.dumps(content, default=_listed, option=orjson.OPT_SERIALIZE_NUMPY)


class Written(Response):
    """An answer that is JSON already, with `headers` as they are sent."""

    def __init__(self, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), *headers]


def _listed(value: object) -> object:
    """What orjson leaves to us: arrays that do not lie in one piece."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def choose(request: Request, wanted: str | None, offered: Sequence[str]) -> str:
    """One of `offered`: what `?format=` names, else what `Accept` likes best.

    The first of `offered` wins a tie. Raises NotAcceptable with the choices.
    """
    if wanted is not None:
        if wanted not in offered:
            raise NotAcceptable(f"?format={name}" for name in offered)
        return wanted
    types = [TYPES[name] for name in offered]
    accept = ",".join(request.headers.getlist("accept")) or "*/*"
    try:
        best = mimeparse.best_match(types[::-1], accept)
    except mimeparse.MimeTypeParseException:
        best = ""
    if not best:
        raise NotAcceptable(types)
    return offered[types.index(best)]


def etag(request: Request, *parts: object) -> str:
    """A strong entity tag of the request's path, its query, `parts`, and who answers."""
    query = "&".join(
        sorted(f"{name}={value}" for name, value in request.query_params.multi_items())
    )
    text = "\n".join([source(), request.scope["path"], query, *map(str, parts)])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


@cache
def source() -> str:
    """A digest of the service's own code: another version may draw and write things otherwise."""
    digest = hashlib.sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def unchanged(request: Request, tag: str) -> Response | None:
    """The 304 for a client that already has `tag`, before anything is computed."""
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=_headers(tag))
    return None


async def respond(kind: str, tag: str, make: Callable[[], Any], at_once: bool = False) -> Response:
    """The answer as `kind`, from JSON content, PNG or .npy bytes, all made on a thread.

    `at_once` says that making them takes less time than the hop to it.
    """

    def answer() -> Response:
        if kind == "json":
            return JSON(make(), headers=_headers(tag))
        return Response(make(), media_type=TYPES[kind], headers=_headers(tag))

    return answer() if at_once else await asyncio.to_thread(answer)


def documented(document: Any) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with `document`, a PNG or an .npy."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {TYPES["png"]: binary, TYPES["npy"]: binary}
    return {
        200: {"model": document, "content": content, "description": "As `Accept` asks for it."},
        304: {"description": "The client has this already."},
        **problems.documented(
            Malformed,
            NotFound,
            NotAcceptable,
            WrongKind,
            TooLarge,
            UnsupportedImage,
            Invalid,
            NotReady,
        ),
    }


def documented_json(document: Any) -> dict[int | str, dict[str, Any]]:
    """The same for a route that answers with JSON alone."""
    responses = documented(document)
    del responses[406]
    return {**responses, 200: {"model": document, "description": "As JSON."}}


def maps_first(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, maps) → (maps, h, w), so that `values[map][row][column]`; others stay as they are."""
    return np.ascontiguousarray(np.moveaxis(values, -1, 0)) if values.ndim == 3 else values


def encode(values: NDArray[np.float32], encoding: Encoding) -> NDArray[np.float32] | str:
    """A layer's output, (h, w, maps) or (units,), as lists, maps first, or as it lies in base64."""
    if encoding == "list":
        return maps_first(values)
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode("ascii")


def npy(array: NDArray[Any]) -> bytes:
    """`array` as the bytes of an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _headers(tag: str) -> dict[str, str]:
    return {"Vary": "Accept", "ETag": tag, "Cache-Control": "no-cache"}
