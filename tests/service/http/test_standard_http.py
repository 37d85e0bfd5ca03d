"""With `standard_http`, uvicorn's protocol and FastAPI's router give the same answers as ours."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from convlens.serve import protocol_and_loop
from service.app import create_app
from service.http.connection import Connection
from service.http.fast_routes import FastRoutes
from service.settings import Settings
from tests.pictures import save, seven
from tests.service.conftest import running

FORM = {"files": [("file", ("seven.png", save(seven()), "image/png"))]}
CASES: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "form": ("POST", "/predict", FORM, 200),
    "query": ("POST", "/predict?top=2&layers=conv1&encoding=base64", FORM, 200),
    "repeated parameter": ("POST", "/predict?zero=conv1:0&zero=conv1:1", FORM, 200),
    "image as body": ("POST", "/predict", {"content": save(seven())}, 200),
    "no image": ("POST", "/predict", {"content": b"nothing"}, 415),
    "query outside its rules": ("POST", "/predict?top=0", FORM, 422),
    "unknown model": ("POST", "/predict?model=none", FORM, 404),
    "too large": ("POST", "/predict", {"content": b"\0" * 1_000_001}, 413),
    "other method": ("DELETE", "/predict", {}, 405),
    "maps": ("GET", "/layers/conv1/feature-maps?format=json", {}, 200),
    "one map": ("GET", "/layers/conv1/feature-maps/1?format=npy", {}, 200),
    "picture": ("GET", "/layers/pool1/pooled-maps?format=png&scale=map", {}, 200),
    "maps of an image": ("POST", "/layers/conv1/feature-maps", {"content": save(seven())}, 200),
    "no such map": ("GET", "/layers/conv1/feature-maps/99", {}, 404),
    "path outside its rules": ("GET", "/layers/conv1/feature-maps/first", {}, 422),
    "lesson": ("POST", "/lessons/pooling", {"json": {"input": [[1, 2], [3, 4]]}}, 200),
    "health": ("HEAD", "/livez", {}, 405),
}


@pytest.fixture(scope="module")
def both(settings: Settings) -> Iterator[list[httpx2.Client]]:
    """Clients of the service as it is and of the one with `standard_http`."""
    protocols: list[tuple[bool, type[asyncio.Protocol]]] = [
        (False, Connection),
        (True, HttpToolsProtocol),
    ]
    with ExitStack() as stack:
        clients = []
        for standard_http, http in protocols:
            app = create_app(settings.model_copy(update={"standard_http": standard_http}))
            address = stack.enter_context(running(app, http=http))
            clients.append(stack.enter_context(httpx2.Client(base_url=address, timeout=30)))
        yield clients


@pytest.mark.parametrize("case", CASES)
def test_answers_are_the_same(both: list[httpx2.Client], case: str) -> None:
    method, path, body, status = CASES[case]
    ours, standard = (client.request(method, path, **body) for client in both)
    assert ours.status_code == standard.status_code == status
    assert ours.content == standard.content
    changing = {"date", "x-request-id"}
    shown = [
        {k: v for k, v in one.headers.items() if k not in changing} for one in (ours, standard)
    ]
    assert shown[0] == shown[1]


def test_switch_replaces_protocol_loop_and_routes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    balanced = "service.workers.connection_balance:BalancedLoop"
    assert protocol_and_loop(Settings(workers=2)) == {"http": Connection, "loop": balanced}
    assert protocol_and_loop(Settings(workers=1)) == {"http": Connection, "loop": "auto"}
    for workers in (1, 2):
        standard = Settings(standard_http=True, workers=workers)
        assert protocol_and_loop(standard) == {"http": "httptools", "loop": "auto"}

    def unused(*_: object) -> None:
        raise AssertionError("fast routes are used")

    monkeypatch.setattr(FastRoutes, "__init__", unused)
    create_app(settings.model_copy(update={"standard_http": True}))
    with pytest.raises(AssertionError, match="fast routes"):
        create_app(settings)
