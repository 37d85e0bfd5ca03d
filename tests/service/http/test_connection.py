"""Connections that send too much, too slowly or no HTTP at all, to the real server."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from service.app import create_app
from service.http.connection import MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES, Connection
from service.settings import Settings
from tests.service.conftest import running


def talk(address: str, *pieces: bytes, seconds: float = 10) -> bytes:
    """Everything that is answered on one connection to `pieces`."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        answer = b""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        with contextlib.suppress(ConnectionError):
            while more := connection.recv(65_536):
                answer += more
        return answer


def whole_answer(connection: socket.socket) -> bytes:
    """The answer to `GET /livez`; head and body may arrive apart."""
    answer = b""
    while not answer.endswith(b'{"status":"alive"}') and (more := connection.recv(65_536)):
        answer += more
    return answer


def head(*lines: str, first: str = "GET /livez HTTP/1.1") -> bytes:
    return "\r\n".join([first, "Host: x", "Connection: close", *lines, "", ""]).encode()


def many(count: int) -> list[str]:
    return [f"X-{i}: y" for i in range(count)]


CASES: dict[str, tuple[tuple[bytes, ...], int]] = {
    "as many headers as may be": ((head(*many(MAX_HEADERS - 2)),), 200),
    "one header more": ((head(*many(MAX_HEADERS - 1)),), 431),
    "10,000 headers": ((head(*many(10_000)),), 431),
    "endless headers": ((head()[:-2], *[b"X-Y: %s\r\n" % (b"z" * 1000)] * 300), 431),
    "one endless header": ((head()[:-2] + b"X-Y: ", *[b"z" * 50_000] * 10), 431),
    "a long address": ((head(first=f"GET /livez?{'a' * MAX_TARGET_BYTES} HTTP/1.1"),), 414),
    "an endless address": ((b"GET /", *[b"a" * MAX_HEAD_BYTES] * 3), 431),
    "no HTTP": ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 5,), 400),
    "a negative length": ((head("Content-Length: -1", first="POST /predict HTTP/1.1"),), 400),
    "a length in words": ((head("Content-Length: ten", first="POST /predict HTTP/1.1"),), 400),
    "two lengths": (
        (head("Content-Length: 1", "Content-Length: 2", first="POST /predict HTTP/1.1"), b"ab"),
        400,
    ),
    "a length and chunks": (
        (
            head("Content-Length: 1", "Transfer-Encoding: chunked", first="POST /predict HTTP/1.1"),
            b"0\r\n\r\n",
        ),
        400,
    ),
    "a length shorter than the body": (
        (head("Content-Length: 1", first="POST /predict HTTP/1.1"), b"ab" * 1000),
        415,
    ),
    "a chunk of no size": (
        (head("Transfer-Encoding: chunked", first="POST /predict HTTP/1.1"), b"zz\r\n"),
        400,
    ),
    "a length past every limit": (
        (head(f"Content-Length: {10**15}", first="POST /predict HTTP/1.1"), b"a"),
        413,
    ),
    "an upgrade": (
        (head("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: a"),),
        200,
    ),
    "a header without a colon": ((head("nonsense"),), 400),
    "a header with a zero byte": ((head("X-A: a\0b"),), 400),
}


@pytest.mark.parametrize("case", CASES)
def test_hostile_request_is_refused(live: str, case: str) -> None:
    pieces, status = CASES[case]
    answer = talk(live, *pieces)
    assert answer.startswith(b"HTTP/1.1 %d" % status), answer[:300]
    assert status == 200 or b"application/problem+json" in answer


def test_service_answers_after_hostile_requests(live: str) -> None:
    assert talk(live, head()).startswith(b"HTTP/1.1 200")


@pytest.fixture(scope="module")
def impatient(settings: Settings) -> Iterator[str]:
    """A service with `arrival_seconds` of 0.2."""
    with running(create_app(settings.model_copy(update={"arrival_seconds": 0.2}))) as address:
        yield address


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"GET / HT",),
        (head()[:-2],),
        (head("Content-Length: 9", first="POST /predict HTTP/1.1"), b"a"),
        (head("Transfer-Encoding: chunked", first="POST /predict HTTP/1.1"), b"1\r\na\r\n"),
    ],
    ids=["silence", "half a line", "endless head", "half a body", "endless chunks"],
)
def test_request_that_does_not_arrive_whole_is_refused(
    impatient: str, pieces: tuple[bytes, ...]
) -> None:
    answer = talk(impatient, *pieces)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"0.2 seconds" in answer


@pytest.mark.parametrize("is_new", [False, True], ids=["after an answer", "on a new connection"])
def test_request_that_arrived_while_the_service_was_busy_is_answered(
    is_new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection, idle or new, times out before the service reads the request."""
    app = create_app(Settings(arrival_seconds=1))
    held = threading.Event()
    receive = Connection.data_received

    def hold(self: Connection, data: bytes) -> None:
        if data.startswith(b"GET /hold"):  # The event loop runs timers next, then reads.
            held.set()
            time.sleep(2)
        receive(self, data)

    monkeypatch.setattr(Connection, "data_received", hold)
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    with running(app, idle_seconds=1) as address:
        parts = urlsplit(address)
        place = str(parts.hostname), int(parts.port or 0)
        with (
            socket.create_connection(place, timeout=10) as one,
            socket.create_connection(place, timeout=10) as other,
        ):
            if not is_new:
                one.sendall(request)
                assert whole_answer(one).startswith(b"HTTP/1.1 200")
            other.sendall(request.replace(b"livez", b"hold"))
            assert held.wait(10)
            one.sendall(request)
            assert whole_answer(one).startswith(b"HTTP/1.1 200")
