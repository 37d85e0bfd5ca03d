"""A JSON request body becomes a validated pydantic model."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.requests import Request

from service.errors import Malformed, UnsupportedType

MAX_MEMBERS = 64

Document = TypeVar("Document", bound=BaseModel)


async def document(request: Request, kind: type[Document]) -> Document:
    """The JSON body of `request` as a `kind`, parsed and validated on a thread.

    Raises UnsupportedType for another Content-Type, Malformed for a body that is not JSON, and
    RequestValidationError, as FastAPI does, for one that breaks the rules of `kind`.
    """
    content_type = Headers(scope=request.scope).get("content-type", "application/json")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedType(
            "Send JSON: the header `Content-Type: application/json` and an object as the body."
        )
    return await asyncio.to_thread(_check, await request.body(), kind)


def _check(body: bytes, kind: type[Document]) -> Document:
    try:
        # NaN is not JSON but Python writes it: parsed here, the validation error names its field.
        content = from_json(body)
    except ValueError as problem:
        raise Malformed(f"The body is not JSON: {problem}.") from problem
    # Each unknown member would add a validation error.
    if isinstance(content, dict) and len(content) > MAX_MEMBERS:
        raise Malformed(f"The body has more than {MAX_MEMBERS} members.")
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
