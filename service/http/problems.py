"""An exception becomes the answer for its client: `application/problem+json` (RFC 9457).

Below /v1 and /v2 it becomes what those protocols define: `{"error": "the sentence"}`.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from service.errors import ServiceError, TooSlow
from service.http import security_headers
from service.observability import metrics

MEDIA_TYPE = "application/problem+json"

PROTOCOLS = ("/v1/", "/v2/")

# Clients of these protocols distinguish 400, 404, 413 and 503 only.
_PROTOCOL_STATUSES = {406: 400, 409: 400, 415: 400, 422: 400}

logger = logging.getLogger("convlens")


class PlainError(BaseModel):
    """What went wrong, in one sentence, as clients of /v1 and /v2 expect it."""

    error: str


class Problem(BaseModel):
    """What went wrong, in one sentence, and what to do about it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(examples=["There is no layer 'conv9'; there is: conv1, pool1, conv2."])


def describe(error: ServiceError) -> dict[str, object]:
    """The members of the problem document for `error`."""
    return {**_document(error.status, error.title, error.detail), **error.members}


def response(path: str, error: ServiceError) -> Response:
    """The response for `error` at `path`, counted as a refusal; for middleware too."""
    return _respond(path, describe(error), error.headers)


def serialize(path: str, error: ServiceError, *more: tuple[bytes, bytes]) -> bytes:
    """The response for `error` at `path` as HTTP/1.1, with the headers `more`; not counted."""
    answer = _render(path, describe(error), error.headers)
    lines = [*answer.raw_headers, *security_headers.ALWAYS, security_headers.DEFAULT_POLICY, *more]
    status = HTTPStatus(answer.status_code)
    head = b"".join(b"%s: %s\r\n" % line for line in lines)
    first = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
    return b"".join([first, head, b"\r\n", bytes(answer.body)])


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that may answer with a problem of these statuses."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def documented_plain(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a route below /v1 or /v2."""
    return {
        status: {"description": HTTPStatus(status).phrase, "model": PlainError}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Register handlers on `app` that turn every exception into a problem document."""

    @app.exception_handler(ServiceError)
    async def ours(request: Request, error: ServiceError) -> Response:
        if error.status == 500:
            logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return response(request.url.path, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        sentences = [
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
        ]
        document = _document(422, "Invalid request", "; ".join(sentences[:5]) + ".")
        return _respond(request.url.path, document)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        detail = {
            404: f"There is nothing at {request.url.path[:200]}. /docs lists what there is.",
            405: f"{request.method} is not for {request.url.path[:200]}. /docs lists what is.",
        }.get(error.status_code, str(error.detail))
        title = HTTPStatus(error.status_code).phrase
        more = {"Allow": _methods(request)} if error.status_code == 405 else error.headers
        return _respond(request.url.path, _document(error.status_code, title, detail), more)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return response(request.url.path, TooSlow("The connection ended before the request did."))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        detail = "This is our fault, not yours. The log of the service says what happened."
        return _respond(request.url.path, _document(500, ServiceError.title, detail))


def _methods(request: Request) -> str:
    """The methods of the path of `request`; Starlette lists those of the first route only."""
    allowed = [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
    return ", ".join(allowed)


def _document(status: int, title: str, detail: str) -> dict[str, object]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def _respond(
    path: str, document: Mapping[str, object], more: Mapping[str, str] | None = None
) -> Response:
    metrics.REFUSALS.labels(document["title"]).inc()
    return _render(path, document, more)


def _render(path: str, document: Mapping[str, object], more: Mapping[str, str] | None) -> Response:
    status, media_type = document["status"], MEDIA_TYPE
    assert isinstance(status, int)
    if f"{path}/".startswith(PROTOCOLS):
        status, media_type = _PROTOCOL_STATUSES.get(status, status), "application/json"
        document = {"error": document["detail"]}
    return Response(
        orjson.dumps(document), status, headers=more and dict(more), media_type=media_type
    )
