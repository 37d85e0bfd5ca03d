"""Answers some routes without FastAPI's router and dependencies.

With them, `POST /predict` takes 1.7 times the processor time. FastAPI still documents these routes,
and answers them itself where the setting `standard_http` is on.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, get_args, get_origin

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError, create_model
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_Match = tuple[APIRoute, _Handler]

Query = TypeVar("Query", bound=BaseModel)


class FastRoutes:
    """Middleware that answers `routes` itself and passes every other request to `app`.

    Their endpoints are `(request: Request, query: Annotated[Model, Query()], ...) -> Response`;
    every further parameter is in the path. Their errors go to the exception handlers of `service`.
    """

    def __init__(self, app: ASGIApp, service: FastAPI, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._service = service
        self._fixed: dict[tuple[str, str], _Match] = {}
        self._patterns: dict[str, list[_Match]] = {}
        for route in routes:
            assert isinstance(route, APIRoute)
            match = route, _handler(route)
            for method in route.methods or ():
                # `param_convertors` and `path_regex` are Starlette's, and not documented.
                if route.param_convertors:
                    self._patterns.setdefault(method, []).append(match)
                else:
                    self._fixed[method, route.path] = match

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" else None
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
            if kind is Exception:  # Unexpected: raised again, so that the server logs it.
                await answer(scope, receive, send)
                raise
        await answer(scope, receive, send)

    def _find(self, scope: Scope) -> "_Match | None":
        """The route of `scope` and its handler; puts the path's parameters into the scope."""
        method, path = scope["method"], scope["path"]
        if (found := self._fixed.get((method, path))) is not None:
            return found
        for route, handle in self._patterns.get(method, ()):
            if (match := route.path_regex.match(path)) is not None:
                scope["path_params"] = match.groupdict()
                return route, handle
        return None


def _handler(route: APIRoute) -> _Handler:
    """What calls the endpoint of `route` with its parameters, checked.

    Reads `dependant`, which FastAPI keeps of an endpoint and does not document.
    """
    endpoint: Any = route.endpoint
    kinds: Any = [field.field_info.annotation for field in route.dependant.query_params]
    (kind,) = kinds
    defaults = kind()
    fields: Any = {
        one.name: (one.field_info.annotation, ...) for one in route.dependant.path_params
    }
    path_model = create_model("PathParameters", **fields)

    async def handle(request: Request) -> Response:
        path = request.path_params
        with _validation_errors("path"):
            named = dict(path_model.model_validate(path)) if path else {}
        query = parse_query(request, kind) if request.scope["query_string"] else defaults
        answer: Response = await endpoint(request, query, **named)
        return answer

    return handle


def parse_query(request: Request, kind: type[Query]) -> Query:
    """The query of `request` as a `kind`; a list takes every value of its name, others the last.

    Raises RequestValidationError, as FastAPI does, for a query outside its rules.
    """
    given = request.query_params
    values = {
        name: given.getlist(name) if _is_list(field.annotation) else given[name]
        for name, field in kind.model_fields.items()
        if name in given
    }
    with _validation_errors("query"):
        return kind.model_validate(values)


@contextmanager
def _validation_errors(location: str) -> Iterator[None]:
    """Turns pydantic's ValidationError about `location` into FastAPI's RequestValidationError."""
    try:
        yield
    except ValidationError as problem:
        raise RequestValidationError(
            [{**one, "loc": (location, *one["loc"])} for one in problem.errors()]
        ) from problem


def _is_list(annotation: Any) -> bool:
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))
