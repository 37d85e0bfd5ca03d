"""A JSON request body becomes a checked pydantic document."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.requests import Request

from service.errors import Malformed, UnsupportedType

MOST_MEMBERS = 64

Document = TypeVar("Document", bound=BaseModel)


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
