"""A route whose endpoint gets the request and one checked model of its query, and nothing else.

FastAPI documents it like any other and takes no part in answering: to solve the dependencies of
`POST /predict` took it longer than the network needs for an image.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, get_args, get_origin

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

Query = TypeVar("Query", bound=BaseModel)


class DirectRoute(APIRoute):
    """For endpoints `(request: Request, query: Annotated[Model, Query()]) -> Response`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Any = self.endpoint
        kinds: Any = [field.field_info.annotation for field in self.dependant.query_params]
        (kind,) = kinds
        without = kind()

        async def handle(request: Request) -> Response:
            query = read(request, kind) if request.scope["query_string"] else without
            answer: Response = await endpoint(request, query)
            return answer

        return handle


def read(request: Request, kind: type[Query]) -> Query:
    """The query of `request` as a `kind`; a list takes every value of its name, others the last.

    Raises what FastAPI raises for a query outside its rules.
    """
    given = request.query_params
    values = {
        name: given.getlist(name) if _takes_many(field.annotation) else given[name]
        for name, field in kind.model_fields.items()
        if name in given
    }
    try:
        return kind.model_validate(values)
    except ValidationError as problem:
        raise RequestValidationError(
            [{**one, "loc": ("query", *one["loc"])} for one in problem.errors()]
        ) from problem


def _takes_many(annotation: Any) -> bool:
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))
