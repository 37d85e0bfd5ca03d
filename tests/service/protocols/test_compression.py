"""Compressed bodies: decoded, refused if broken or too large, and made."""

import gzip
import zlib

import pytest

from service.errors import Malformed, TooLarge
from service.protocols import compression

BODY = b"tensor" * 100


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (BODY, None),
        (BODY, "identity"),
        (gzip.compress(BODY), "gzip"),
        (zlib.compress(BODY), "deflate"),
    ],
    ids=["no coding", "identity", "gzip", "deflate"],
)
def test_body_is_decoded(body: bytes, encoding: str | None) -> None:
    assert compression.decompress(body, encoding, len(BODY)) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_answer_decompresses_to_the_body(encoding: str) -> None:
    packed = compression.compress(BODY, encoding)
    assert len(packed) < len(BODY)
    assert compression.decompress(packed, encoding, len(BODY)) == BODY


@pytest.mark.parametrize(
    ("body", "encoding", "refusal"),
    [
        (b"plain", "gzip", Malformed),
        (b"", "gzip", Malformed),
        (gzip.compress(BODY)[:-9], "gzip", Malformed),
        (gzip.compress(BODY) + b"more", "gzip", Malformed),
        (gzip.compress(b"x" * 601), "gzip", TooLarge),
        (gzip.compress(b"\0" * 10_000_000), "gzip", TooLarge),
        (BODY, "br", Malformed),
        (BODY, "gzip, gzip", Malformed),
    ],
    ids=[
        "plain text",
        "nothing",
        "cut off",
        "more behind the end",
        "a byte too long",
        "a bomb",
        "unknown coding",
        "two codings",
    ],
)
def test_broken_and_too_large_bodies_are_refused(
    body: bytes, encoding: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        compression.decompress(body, encoding, 600)


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (None, None),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", None),
        ("identity", None),
    ],
)
def test_answers_are_compressed_for_a_single_encoding_only(
    accept: str | None, encoding: str | None
) -> None:
    assert compression.requested(accept) == encoding
