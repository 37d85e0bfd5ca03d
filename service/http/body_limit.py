"""Middleware that bounds request bodies; a JSON body becomes a checked document."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Busy, Malformed, ServiceError, TooLarge, UnsupportedType
from service.http import problems

MOST_MEMBERS = 64
SMALL_BYTES = 256 * 2**10
"""Bodies up to this size do not count towards `MAX_HELD_BYTES`."""
MAX_HELD_BYTES = 256 * 2**20

Document = TypeVar("Document", bound=BaseModel)


class BodyLimitMiddleware:
    """Refuses a body of more than `most` bytes; `narrower` are smaller bounds by path prefix.

    A declared Content-Length is checked before the body is read, any other body as it arrives. All
    large bodies of the worker together may take `MAX_HELD_BYTES` of memory; beyond that they are
    refused with Busy.
    """

    def __init__(self, app: ASGIApp, most: int, narrower: Mapping[str, int]) -> None:
        self._app = app
        self._most = most
        self._held = 0
        self._narrower = tuple((path, min(most, bound)) for path, bound in narrower.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            most = self._bound(scope["path"])
            length = _length(scope)
            if length is not None and length > most:
                await problems.response(scope["path"], _refusal(most))(scope, receive, send)
                return
            if length is None or length > SMALL_BYTES:
                await self._count(scope, receive, send, most)
                return
        await self._app(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            more = len(message.get("body", b""))
            size += more
            self._held += more
            if size > most:
                raise _as_http(_refusal(most))
            if self._held > MAX_HELD_BYTES and size > SMALL_BYTES:
                raise _as_http(Busy("Too many large requests come in. Send this again later."))
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= size

    def _bound(self, path: str) -> int:
        for prefix, bound in self._narrower:
            if path.startswith(prefix):
                return bound
        return self._most


async def document(request: Request, kind: type[Document]) -> Document:
    """The JSON body of `request` as a `kind`, read and checked on a thread.

    Raises UnsupportedType for a body that is called something else, Malformed for no JSON, and
    what FastAPI raises for a body outside its rules.
    """
    said = Headers(scope=request.scope).get("content-type", "application/json")
    if said.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedType(
            "Send JSON: the header `Content-Type: application/json` and an object as the body."
        )
    return await asyncio.to_thread(_check, await request.body(), kind)


def _check(body: bytes, kind: type[Document]) -> Document:
    try:
        # NaN, which JSON lacks and Python writes, is read, so that the refusal names its field.
        content = from_json(body)
    except ValueError as problem:
        raise Malformed(f"The body is not JSON: {problem}.") from problem
    # Every unknown member would be an error of its own.
    if isinstance(content, dict) and len(content) > MOST_MEMBERS:
        raise Malformed(f"The body has more than {MOST_MEMBERS} members.")
    try:
        return kind.model_validate(content)
    except ValidationError as problem:
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in problem.errors(include_input=False)]
        ) from problem


def documented(kind: type[BaseModel], examples: Mapping[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body with `document`."""
    schema = kind.model_json_schema()
    content = {"application/json": {"schema": schema, "examples": dict(examples)}}
    return {"requestBody": {"required": True, "content": content}}


def _length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def _refusal(most: int) -> TooLarge:
    return TooLarge(f"The request is larger than {most} bytes. Send less at once.")


def _as_http(refusal: ServiceError) -> HTTPException:
    """`refusal` as an HTTPException, the only error that FastAPI passes on from reading a body."""
    return HTTPException(refusal.status, refusal.detail, refusal.headers)
