"""An error becomes an `application/problem+json` answer (RFC 9457).

Below /v1 and /v2 it becomes what those protocols have: `{"error": "the sentence"}`. Which error has
which status is in `service.errors`.
"""

import logging
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

from service.errors import (
    Invalid,
    ServiceError,
    TooSlow,
    UnknownPath,
    WrongMethod,
    protocol_status,
)
from service.http import security_headers
from service.observability import metrics

MEDIA_TYPE = "application/problem+json"

PROTOCOLS = ("/v1/", "/v2/")

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
    return {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        **error.members,
    }


def response(path: str, error: ServiceError) -> Response:
    """The response for `error` at `path`, counted as a refusal; for middleware too."""
    metrics.REFUSALS.labels(error.title).inc()
    return _render(path, error)


def serialize(path: str, error: ServiceError, *more: tuple[bytes, bytes]) -> bytes:
    """The response for `error` at `path` as HTTP/1.1, with the headers `more`; not counted."""
    answer = _render(path, error)
    lines = [*answer.raw_headers, *security_headers.ALWAYS, security_headers.DEFAULT_POLICY, *more]
    status = HTTPStatus(answer.status_code)
    head = b"".join(b"%s: %s\r\n" % line for line in lines)
    first = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
    return b"".join([first, head, b"\r\n", bytes(answer.body)])


def documented(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that may refuse a request with one of `errors`."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in sorted({error.status for error in errors})
    }


def documented_plain(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` for `errors` of a route below /v1 or /v2."""
    return {
        status: {"description": HTTPStatus(status).phrase, "model": PlainError}
        for status in sorted({protocol_status(error.status) for error in errors})
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
        return response(request.url.path, Invalid("; ".join(sentences[:5]) + "."))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return response(request.url.path, _as_service_error(request, error))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return response(request.url.path, TooSlow("The connection ended before the request did."))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        detail = "This is our fault, not yours. The log of the service says what happened."
        return response(request.url.path, ServiceError(detail))


def _as_service_error(request: Request, error: HTTPException) -> ServiceError:
    """What Starlette's router and static files raise, as one of ours."""
    path = request.url.path
    if error.status_code == 404:
        return UnknownPath(path)
    if error.status_code == 405:
        return WrongMethod(request.method, path, _allowed_methods(request))
    ours = ServiceError(str(error.detail))
    ours.status, ours.title = error.status_code, HTTPStatus(error.status_code).phrase
    return ours


def _allowed_methods(request: Request) -> list[str]:
    """Every method that the path of `request` has a route for.

    Starlette names the methods of the first matching route alone.
    """
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def _render(path: str, error: ServiceError) -> Response:
    status, media_type, document = error.status, MEDIA_TYPE, describe(error)
    if f"{path}/".startswith(PROTOCOLS):
        status, media_type = protocol_status(status), "application/json"
        document = {"error": error.detail}
    return Response(orjson.dumps(document), status, headers=error.headers, media_type=media_type)
