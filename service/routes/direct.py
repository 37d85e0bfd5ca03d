"""Routes that are answered without FastAPI's router and dependencies, which document them.

For `POST /predict` the two took longer than the network needs for an image.
"""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar, get_args, get_origin

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

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


class Direct:
    """Answers the direct ones of `routes` itself, and lets `app` answer all else.

    Their errors go to the handlers of `service`, as those of all other routes do.
    """

    def __init__(self, app: ASGIApp, service: FastAPI, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._service = service
        self._routes = {
            (method, route.path): (route, route.get_route_handler())
            for route in routes
            if isinstance(route, DirectRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._routes.get((scope.get("method", ""), scope.get("path", "")))
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["route"], handle = found
        request = Request(scope, receive)
        try:
            answer = await handle(request)
        except Exception as error:
            handlers: Any = self._service.exception_handlers
            kind = next(kind for kind in type(error).__mro__ if kind in handlers)
            answer = await handlers[kind](request, error)
            if kind is Exception:  # Nobody expected it: the server writes it into its log.
                await answer(scope, receive, send)
                raise
        await answer(scope, receive, send)


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
