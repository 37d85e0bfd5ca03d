"""Bodies are bounded before they are read, and JSON bodies are checked."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from service.http import body_limit

MOST = 1_000_000


def pieces(size: int, count: int) -> Iterator[bytes]:
    """A body without a declared length."""
    for _ in range(count):
        yield b"\0" * size


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", b"\0" * (MOST + 1)),
        ("/predict", pieces(MOST // 10, 11)),
        ("/grad-cam", pieces(MOST // 10, 11)),
        ("/lessons/convolution", b" " * (MOST + 1)),
        ("/lessons/pooling", pieces(MOST // 10, 11)),
        ("/nothing-here", b"\0" * (MOST + 1)),
    ],
)
def test_body_past_the_limit_is_refused(client: TestClient, path: str, body: Any) -> None:
    response = client.post(path, content=body)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert f"{MOST} bytes" in response.json()["detail"]


def test_declared_length_is_checked_before_a_byte_is_read(client: TestClient) -> None:
    def never() -> Iterator[bytes]:
        yield b"{"
        raise AssertionError("the body was read")

    headers = {"content-length": str(12 * 2**20)}
    response = client.post("/nothing-here", content=never(), headers=headers)
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"null", 422, "body:"),
        (b"[]", 422, "body:"),
        (orjson.dumps({f"a{i}": i for i in range(50_000)}), 400, "members"),
        (orjson.dumps({"input": [["x"] * 60] * 500, "kernel": [[1]]}), 422, "input"),
        (orjson.dumps({"input": [[1] * 100_000], "kernel": [[1]]}), 422, "at most 64"),
        (orjson.dumps({"input": [[[1] * 90_000]], "kernel": [[1]]}), 422, "at most 16"),
        (orjson.dumps({"input": [[1]], "kernels": [[[1]]] * 30_000}), 422, "at most 16"),
        (b'{"input": [[1e400]], "kernel": [[1]]}', 422, "finite"),
    ],
)
def test_lessons_refuse_any_other_body_with_a_short_sentence(
    client: TestClient, body: bytes, status: int, sentence: str
) -> None:
    headers = {"content-type": "application/json"}
    response = client.post("/lessons/convolution", content=body, headers=headers)
    assert response.status_code == status
    assert sentence in response.json()["detail"]
    assert len(response.content) < 2_000


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart"])
def test_lessons_take_json_alone(client: TestClient, kind: str) -> None:
    response = client.post("/lessons/pooling", content=b"{}", headers={"content-type": kind})
    assert response.status_code == 415


def test_large_bodies_share_a_bound(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "MAX_HELD_BYTES", 300_000)
    large = b"\0" * 400_000
    for body in (large, pieces(len(large) // 4, 4)):
        response = client.post("/predict", content=body)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
    monkeypatch.undo()
    # Refused bodies count no more.
    assert client.post("/predict", content=large).status_code == 413
    assert client.post("/lessons/pooling", json={"input": [[1, 2], [3, 4]]}).status_code == 200
