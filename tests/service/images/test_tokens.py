"""Image tokens: pixels there and back, and nothing else."""

import base64
import contextlib
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadToken
from service.images import tokens

SHAPE = (5, 4, 3)
SIZE = 5 * 4 * 3


def pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(raw)).decode().rstrip("=")


@given(st.binary(min_size=SIZE, max_size=SIZE))
def test_pixels_come_back(raw: bytes) -> None:
    pixels = np.frombuffer(raw, np.uint8).reshape(SHAPE)
    token = tokens.encode(pixels)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert (tokens.decode(token, SHAPE) == pixels).all()


@given(st.text())
def test_any_text_is_pixels_or_refused(text: str) -> None:
    with contextlib.suppress(BadToken):
        assert tokens.decode(text, SHAPE).shape == SHAPE


@pytest.mark.parametrize(
    "token",
    [
        "",
        "A",
        "not base64!",
        pack(b"\0" * (SIZE - 1)),
        pack(b"\0" * (SIZE + 1)),
        pack(b"\0" * 50_000_000),
        pack(b"\0" * SIZE)[:-4],
        base64.urlsafe_b64encode(zlib.compress(b"\0" * SIZE) + b"more").decode(),
    ],
    ids=["empty", "short", "alphabet", "too few", "too many", "bomb", "cut", "trailing"],
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(BadToken, match="image token"):
        tokens.decode(token, SHAPE)
