"""A full worker refuses requests at once and accepts later ones again."""

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from email.message import Message
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request

from service.app import create_app
from service.http.admission import Admission
from service.settings import Settings
from tests.service.conftest import running


class Held:
    """A service with room for two requests, and a route whose answers are held back."""

    def __init__(self, settings: Settings) -> None:
        held = settings.model_copy(update={"concurrency": 2, "arrival_seconds": 20})
        self.app: FastAPI = create_app(held)
        self.app.add_api_route("/held", self.answer, methods=["POST"])
        self.arrived = threading.Semaphore(0)
        self.release = threading.Event()

    async def answer(self, request: Request) -> str:
        await request.body()
        self.arrived.release()
        await asyncio.to_thread(self.release.wait, 20)
        return "here"


class Caller:
    """Connections to the service on which each request is sent in one piece."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._address = (str(parts.hostname), int(parts.port or 0))
        self.open: list[socket.socket] = []

    def send(self, data: bytes, on: socket.socket | None = None) -> socket.socket:
        if on is None:
            on = socket.create_connection(self._address, timeout=20)
            self.open.append(on)
        on.sendall(data)
        return on

    def fill(self, held: Held) -> list[socket.socket]:
        """Send two requests that `held` keeps under way, which makes it full."""
        under_way = [self.send(post("/held")) for _ in range(2)]
        for _ in under_way:
            assert held.arrived.acquire(timeout=20)
        return under_way


@pytest.fixture
def held(settings: Settings) -> Iterator[tuple[Held, Caller]]:
    held = Held(settings)
    with running(held.app) as address:
        caller = Caller(address)
        yield held, caller
        held.release.set()
        for one in caller.open:
            one.close()


def post(path: str, body: bytes = b"") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (
        path.encode(),
        len(body),
        body,
    )


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def answer(connection: socket.socket) -> tuple[int, Message, bytes]:
    """Status, headers and body of the next answer."""
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        return response.status, response.headers, response.read()


def test_request_past_the_bound_is_refused_and_its_connection_kept(
    held: tuple[Held, Caller],
) -> None:
    service, caller = held
    under_way = caller.fill(service)
    connection = caller.send(post("/lessons/pooling", b"{}"))
    for _ in range(3):
        status, headers, body = answer(connection)
        assert status == 503
        assert headers["retry-after"] == "1"
        assert headers["content-type"] == "application/problem+json"
        assert headers["x-content-type-options"] == "nosniff"
        assert b"2 requests are under way" in body
        caller.send(get("/samples"), connection)
    assert answer(connection)[0] == 503
    service.release.set()
    assert [answer(one)[0] for one in under_way] == [200, 200]
    caller.send(get("/samples"), connection)
    assert answer(connection)[0] == 200


@pytest.mark.parametrize(
    "data",
    [post("/predict", b"x" * 900_000), get("/samples", "HEAD")],
    ids=["a body in pieces", "no body wanted"],
)
def test_request_not_in_one_piece_is_refused_as_well(
    held: tuple[Held, Caller], data: bytes
) -> None:
    service, caller = held
    caller.fill(service)
    with http.client.HTTPResponse(caller.send(data)) as response:
        response.begin()
        assert response.status == 503
        assert response.headers["retry-after"] == "1"
        assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/v1/models/a:predict", "/v2/models/a/infer"])
def test_protocols_keep_their_form(held: tuple[Held, Caller], path: str) -> None:
    service, caller = held
    caller.fill(service)
    assert answer(caller.send(post(path, b"{}")))[2].startswith(b'{"error":')


@pytest.mark.parametrize("path", ["/livez", "/v2/health/live", "/metrics"])
def test_probes_are_answered_by_a_full_worker(held: tuple[Held, Caller], path: str) -> None:
    service, caller = held
    caller.fill(service)
    assert answer(caller.send(get(path)))[0] == 200


def test_half_a_request_does_not_count(held: tuple[Held, Caller]) -> None:
    service, caller = held
    half = post("/held", b"ab")[:-1]
    slow = [caller.send(half) for _ in range(4)]
    caller.fill(service)
    # They began while there was room; there is none now, and all four are refused.
    for one in slow:
        caller.send(b"b", one)
        assert answer(one)[0] == 503


def test_request_of_a_disconnected_client_counts_no_more(held: tuple[Held, Caller]) -> None:
    service, caller = held
    first, second = caller.fill(service)
    first.close()
    end = time.monotonic() + 20
    while answer(caller.send(get("/samples")))[0] == 503:
        assert time.monotonic() < end
    service.release.set()
    assert answer(second)[0] == 200


WHOLE = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
OTHERWISE = {
    "half a head": WHOLE[:30],
    "half a body": WHOLE[:-1],
    "more than one request": WHOLE + WHOLE,
    "chunks": WHOLE.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    "two lengths": WHOLE.replace(b"Host: x", b"Content-Length: 3"),
    "a length with a space": WHOLE.replace(b"Length:", b"Length :"),
    "a length with a sign": WHOLE.replace(b": 2", b": +2"),
    "an older protocol": WHOLE.replace(b"1.1", b"1.0"),
    "a connection that ends": WHOLE.replace(b"Host: x", b"Connection: close"),
    "a connection that ends, in other letters": WHOLE.replace(b"Host: x", b"CONNECTION:\t Close"),
    "a body after 100 Continue": WHOLE.replace(b"Host: x", b"Expect: 100-continue"),
    "another method": WHOLE.replace(b"POST", b"PUT"),
    "no HTTP": b"POST \r\n\r\n",
}


def test_only_a_whole_request_is_refused_unparsed() -> None:
    admission = Admission(1)
    for case, data in OTHERWISE.items():
        assert admission.refuse(data) is None, case
