"""Requests past their deadline, or whose client disconnected, are cancelled."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import running


class Slow:
    """An application with a route that never answers, and whether it was cancelled."""

    def __init__(self, seconds: float) -> None:
        self.app: FastAPI = create_app(Settings(deadline_seconds=seconds))
        self.asked, self.cancelled = threading.Event(), threading.Event()
        self.app.add_api_route("/slow", self.answer, methods=["GET", "POST"])

    async def answer(self, request: Request) -> None:
        await request.body()
        self.asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_deadline_cancels_and_says_so(method: str) -> None:
    slow = Slow(0.05)
    response = TestClient(slow.app).request(method, "/slow", content=b"x" * 1000)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "0.05 seconds" in response.json()["detail"]
    assert slow.cancelled.is_set()


@pytest.fixture(scope="module")
def patient() -> Iterator[tuple[Slow, str]]:
    slow = Slow(60)
    with running(slow.app) as address:
        yield slow, address


def test_request_of_a_disconnected_client_is_cancelled(patient: tuple[Slow, str]) -> None:
    slow, address = patient
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.asked.wait(20)
        assert not slow.cancelled.is_set()
    assert slow.cancelled.wait(20)


def test_draining_fails_readiness_and_ends_connections(client: TestClient) -> None:
    drain = client.app.state.drain  # type: ignore[attr-defined]
    assert "connection" not in client.get("/readyz").headers
    drain.has_begun = True
    try:
        assert client.get("/readyz").status_code == 503
        answer = client.get("/models")
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
    finally:
        drain.has_begun = False
