"""Routes that are answered without FastAPI's router and dependencies, which document them.

For `POST /predict` and for maps the two took longer than the network needs for an image.
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

_Found = tuple["DirectRoute", Callable[[Request], Coroutine[Any, Any, Response]]]

Query = TypeVar("Query", bound=BaseModel)


class DirectRoute(APIRoute):
    """For endpoints `(request: Request, query: Annotated[Model, Query()]) -> Response`.

    What else they take is in the path.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Any = self.endpoint
        kinds: Any = [field.field_info.annotation for field in self.dependant.query_params]
        (kind,) = kinds
        without = kind()
        fields: Any = {
            one.name: (one.field_info.annotation, ...) for one in self.dependant.path_params
        }
        place = create_model("Place", **fields)

        async def handle(request: Request) -> Response:
            path = request.path_params
            with _refused("path"):
                named = dict(place.model_validate(path)) if path else {}
            query = read(request, kind) if request.scope["query_string"] else without
            answer: Response = await endpoint(request, query, **named)
            return answer

        return handle


class Direct:
    """Answers the direct ones of `routes` itself, and lets `app` answer all else.

    Their errors go to the handlers of `service`, as those of all other routes do.
    """

    def __init__(self, app: ASGIApp, service: FastAPI, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._service = service
        direct = [route for route in routes if isinstance(route, DirectRoute)]
        self._fixed: dict[tuple[str, str], _Found] = {}
        self._patterns: dict[str, list[_Found]] = {}
        for route in direct:
            for method in route.methods or ():
                found = route, route.get_route_handler()
                if route.param_convertors:
                    self._patterns.setdefault(method, []).append(found)
                else:
                    self._fixed[method, route.path] = found

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
            if kind is Exception:  # Nobody expected it: the server writes it into its log.
                await answer(scope, receive, send)
                raise
        await answer(scope, receive, send)

    def _find(self, scope: Scope) -> "_Found | None":
        """The route of `scope` and what answers; what its path names is in the scope then."""
        method, path = scope["method"], scope["path"]
        if (found := self._fixed.get((method, path))) is not None:
            return found
        for route, handle in self._patterns.get(method, ()):
            if (match := route.path_regex.match(path)) is not None:
                scope["path_params"] = match.groupdict()
                return route, handle
        return None


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
    with _refused("query"):
        return kind.model_validate(values)


@contextmanager
def _refused(place: str) -> Iterator[None]:
    """What pydantic refuses in `place` is raised as FastAPI raises it."""
    try:
        yield
    except ValidationError as problem:
        raise RequestValidationError(
            [{**one, "loc": (place, *one["loc"])} for one in problem.errors()]
        ) from problem


def _takes_many(annotation: Any) -> bool:
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))
