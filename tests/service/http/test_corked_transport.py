"""An answer's head and the first of its body leave together, and nothing is lost."""

import asyncio
import urllib.request
from typing import cast

from service.http.corked_transport import Corked

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Far:
    """What would go over the network, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.pieces.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def written(*pieces: bytes, close: bool = False) -> list[bytes]:
    far = Far()
    corked = Corked(cast(asyncio.Transport, far))
    for piece in pieces:
        corked.write(piece)
    if close:
        corked.close()
        assert corked.is_closing()
    return far.pieces


def test_head_and_first_body_are_one_piece() -> None:
    assert written(HEAD, b"ab") == [HEAD + b"ab"]
    assert written(HEAD, b"a", b"b", close=True) == [HEAD + b"a", b"b"]


def test_empty_body_lets_the_head_go() -> None:
    assert written(HEAD, b"") == [HEAD]


def test_closing_lets_the_head_go() -> None:
    assert written(HEAD, close=True) == [HEAD]
    assert written(close=True) == []


def test_continue_does_not_wait() -> None:
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert written(go_on) == [go_on]
    assert written(go_on, HEAD, b"ab") == [go_on, HEAD + b"ab"]


def test_body_that_looks_like_a_head_is_a_body() -> None:
    assert written(HEAD, b"ab", HEAD) == [HEAD + b"ab", HEAD]


def test_head_request_is_answered(live: str) -> None:
    request = urllib.request.Request(f"{live}/web/app.js", method="HEAD")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
        assert answer.read() == b""
