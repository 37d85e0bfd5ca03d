"""Content negotiation: a result becomes JSON, PNG or .npy, as the request accepts, with an ETag."""

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
from service.http.json_response import JSON

Encoding = Literal["list", "base64"]

INLINE_BYTES = 256 * 1024
"""Up to this many bytes of an array are copied on the event loop: a thread hop takes longer."""

MEDIA_TYPES = {"json": "application/json", "png": "image/png", "npy": "application/x-npy"}


def choose_format(request: Request, wanted: str | None, offered: Sequence[str]) -> str:
    """One of `offered`: the one that `?format=` names, else the best match of `Accept`.

    The first of `offered` wins a tie. Raises NotAcceptable, which lists them, if none matches.
    """
    if wanted is not None:
        if wanted not in offered:
            raise NotAcceptable(f"?format={name}" for name in offered)
        return wanted
    types = [MEDIA_TYPES[name] for name in offered]
    accept = ",".join(request.headers.getlist("accept")) or "*/*"
    try:
        best = mimeparse.best_match(types[::-1], accept)
    except mimeparse.MimeTypeParseException:
        best = ""
    if not best:
        raise NotAcceptable(types)
    return offered[types.index(best)]


def etag(request: Request, *parts: object) -> str:
    """A strong entity tag: a digest of the request's path and query, `parts` and the code.

    `parts` are whatever else the answer depends on, such as the model's digest.
    """
    query = "&".join(
        sorted(f"{name}={value}" for name, value in request.query_params.multi_items())
    )
    text = "\n".join([source_digest(), request.scope["path"], query, *map(str, parts)])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


@cache
def source_digest() -> str:
    """A digest of all code of the service: another version may draw or encode differently."""
    digest = hashlib.sha256()
    folder = Path(__file__).parents[1]  # service/
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def not_modified(request: Request, tag: str) -> Response | None:
    """The 304 response for a client that already has `tag`, else None."""
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=_headers(tag))
    return None


async def respond(
    format: str, tag: str, encode: Callable[[], Any], inline: bool = False
) -> Response:
    """The response in `format`; `encode` gives JSON content, or PNG or .npy bytes.

    It runs on a thread, or on the event loop if `inline`, for what takes less than a thread hop.
    """

    def answer() -> Response:
        if format == "json":
            return JSON(encode(), headers=_headers(tag))
        return Response(encode(), media_type=MEDIA_TYPES[format], headers=_headers(tag))

    return answer() if inline else await asyncio.to_thread(answer)


def documented(document: Any) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that answers with `document`, PNG or .npy."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {MEDIA_TYPES["png"]: binary, MEDIA_TYPES["npy"]: binary}
    return {
        200: {
            "model": document,
            "content": content,
            "description": "In the format that `format` or `Accept` asks for.",
        },
        304: {"description": "The client's copy, named by `If-None-Match`, is up to date."},
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
    """The OpenAPI `responses` of a route that answers with JSON alone."""
    responses = documented(document)
    del responses[406]
    return {**responses, 200: {"model": document, "description": "As JSON."}}


def maps_first(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, maps) → (maps, h, w), for `values[map][row][column]`; other shapes are unchanged."""
    return np.ascontiguousarray(np.moveaxis(values, -1, 0)) if values.ndim == 3 else values


def encode(values: NDArray[np.float32], encoding: Encoding) -> NDArray[np.float32] | str:
    """A layer's output, (h, w, maps) or (units,): maps first for a list, base64 in its own order.

    The base64 is of little-endian float32.
    """
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
