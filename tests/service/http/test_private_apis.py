"""What the service overrides or reads of other libraries without their promise is there.

docs/explanation/private-apis.md says what each use buys. A failure here after an upgrade names what
has changed; the versions in pyproject.toml have upper bounds for the same reason.
"""

import ast
import asyncio
import inspect
import signal
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Annotated, Any

import pytest
import uvicorn
import uvloop
from fastapi import FastAPI, Query, Request
from fastapi.routing import APIRoute
from httptools import HttpParserError, HttpRequestParser
from packaging.requirements import Requirement
from prometheus_client.multiprocess import mark_process_dead
from pydantic import BaseModel
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState

from service.http.connection import Connection
from service.workers.connection_balance import BalancedLoop, BalancedServer

OVERRIDDEN = {
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "data_received": ["self", "data"],
    "on_message_begin": ["self"],
    "on_headers_complete": ["self"],
    "on_message_complete": ["self"],
    "on_response_complete": ["self"],
    "send_400_response": ["self", "msg"],
    "timeout_keep_alive_handler": ["self"],
}
CALLED = {"_unset_keepalive_if_required": ["self"]}


LIBRARIES = ["fastapi", "httptools", "keras", "prometheus-client", "starlette", "uvicorn", "uvloop"]


@pytest.mark.parametrize("name", LIBRARIES)
def test_version_has_an_upper_bound(name: str) -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    (requirement,) = (one for one in map(Requirement, project["dependencies"]) if one.name == name)
    assert any(one.operator == "<" for one in requirement.specifier)
    assert requirement.specifier.contains(version(name))


def test_keras_muon_has_the_overridden_methods() -> None:
    """Read from the source: importing keras would import TensorFlow."""
    path = distribution("keras").locate_file("keras/src/optimizers/muon.py")
    methods = {
        node.name: [one.arg for one in node.args.args]
        for node in ast.walk(ast.parse(Path(str(path)).read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert methods["_should_use_adamw"] == ["self", "variable"]
    assert methods["_muon_update_step"] == ["self", "gradient", "variable", "lr", "m"]
    assert methods["zeropower_via_newtonschulz5"][:2] == ["self", "x"]


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_every_method_that_a_connection_overrides_is_listed() -> None:
    theirs = vars(httptools_impl.HttpToolsProtocol)
    ours = {name for name in vars(Connection) if name in theirs and not name.startswith("__")}
    assert ours == set(OVERRIDDEN)


@pytest.mark.parametrize("name", OVERRIDDEN | CALLED)
def test_uvicorn_protocol_has_the_method(name: str) -> None:
    method = getattr(httptools_impl.HttpToolsProtocol, name)
    assert parameters(method) == (OVERRIDDEN | CALLED)[name]
    if name in OVERRIDDEN:
        assert parameters(getattr(Connection, name)) == parameters(method)


def test_uvicorn_protocol_has_the_attributes() -> None:
    async def make() -> httptools_impl.HttpToolsProtocol:
        config = uvicorn.Config(FastAPI(), log_config=None)
        return httptools_impl.HttpToolsProtocol(config, ServerState(), {"key": "value"})

    protocol = asyncio.run(make())
    assert protocol.app_state == {"key": "value"}
    assert protocol.cycle is None
    assert protocol.transport is None
    assert not protocol.pipeline
    assert protocol.timeout_keep_alive == 5
    assert protocol.timeout_keep_alive_task is None
    assert isinstance(protocol.loop, asyncio.AbstractEventLoop)
    protocol.on_message_begin()
    assert (protocol.url, protocol.headers, protocol.scope["type"]) == (b"", [], "http")


def test_uvicorn_cycle_has_the_attributes() -> None:
    needs = inspect.signature(httptools_impl.RequestResponseCycle).parameters
    given: dict[str, Any] = dict.fromkeys(needs)
    cycle = httptools_impl.RequestResponseCycle(**{**given, "scope": {"type": "http"}})
    assert cycle.scope["type"] == "http"
    states = [cycle.response_started, cycle.response_complete, cycle.disconnected]
    assert states == [False, False, False]


def test_parser_replaces_what_a_callback_raises() -> None:
    class Callbacks:
        def on_headers_complete(self) -> None:
            raise ValueError("refused")

    with pytest.raises(HttpParserError):
        HttpRequestParser(Callbacks()).feed_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def test_uvicorn_calls_create_server_of_the_loop_with_a_socket() -> None:
    source = inspect.getsource(uvicorn.Server.startup)
    assert "loop.create_server(create_protocol, sock=sock, ssl=config.ssl, backlog=" in source
    assert issubclass(BalancedLoop, uvloop.Loop)
    for name in ("create_server", "connect_accepted_socket", "add_reader", "remove_reader"):
        assert callable(getattr(uvloop.Loop, name))
    abstract = {name for name in vars(asyncio.AbstractServer) if not name.startswith("_")}
    # Python 3.13 has these two as well, and uvloop's own server does not.
    abstract -= {"abort_clients", "close_clients"}
    assert abstract <= set(vars(BalancedServer))


def test_uvicorn_signal_handler_is_a_method_of_its_server() -> None:
    server = uvicorn.Server(uvicorn.Config("unused:app", log_config=None))
    with server.capture_signals():
        handler = signal.getsignal(signal.SIGTERM)
    assert getattr(handler, "__self__", None) is server
    assert server.should_exit is False


class Options(BaseModel):
    top: int | None = None


def test_fastapi_route_has_the_attributes() -> None:
    app = FastAPI()

    @app.get("/layers/{name}/maps/{index}")
    async def maps(
        request: Request, options: Annotated[Options, Query()], name: str, index: int
    ) -> None: ...

    route = app.router.routes[-1]
    assert isinstance(route, APIRoute)
    (query,) = route.dependant.query_params
    assert query.field_info.annotation is Options
    path = {one.name: one.field_info.annotation for one in route.dependant.path_params}
    assert path == {"name": str, "index": int}
    assert list(route.param_convertors) == ["name", "index"]
    match = route.path_regex.match("/layers/conv1/maps/2")
    assert match is not None
    assert match.groupdict() == {"name": "conv1", "index": "2"}
    assert route.methods == {"GET"}


def test_fastapi_serves_the_middleware_stack_that_is_set() -> None:
    app = FastAPI()
    assert app.middleware_stack is None
    assert parameters(app.build_middleware_stack) == []

    async def stack(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    app.middleware_stack = stack
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "http", "path": "/"}, None, send))  # type: ignore[arg-type]
    assert sent == ["http.response.start", "http.response.body"]
    assert isinstance(app.exception_handlers, dict)


def test_prometheus_client_names_live_gauges_by_process(tmp_path: Path) -> None:
    (tmp_path / "gauge_livesum_7.db").touch()
    (tmp_path / "gauge_livesum_8.db").touch()
    mark_process_dead(7, str(tmp_path))  # type: ignore[no-untyped-call]
    assert [one.name for one in tmp_path.iterdir()] == ["gauge_livesum_8.db"]
