"""A compressed body becomes the one that was meant, bounded; an answer becomes compressed."""

import gzip
import zlib

from service.errors import Malformed, TooLarge

# zlib's window, plus the sign that it may be gzip's or zlib's own wrapping.
_EITHER = zlib.MAX_WBITS | 32


def decompress(body: bytes, encoding: str | None, most: int) -> bytes:
    """`body` without its Content-Encoding `encoding`: gzip, deflate or none.

    Never unpacks more than `most` bytes and one. Raises TooLarge beyond for
    another encoding, Malformed for what is not compressed, not whole, or followed by more.
    """
    if encoding in (None, "", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Malformed(f"Content-Encoding may be gzip or deflate, not {encoding[:40]!r}.")
    unpacker = zlib.decompressobj(_EITHER)
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error as problem:
        raise Malformed(f"The body is not the {encoding} that its header says.") from problem
    if len(plain) > most:
        raise TooLarge(f"The request unpacks to more than {most} bytes. Send less at once.")
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed(f"The body is not one whole {encoding} stream. Send it again.")
    return plain


def wanted(accept: str | None) -> str | None:
    """The one coding that a client asks for by `Accept-Encoding: gzip` or `deflate` alone.

    The lists that HTTP libraries send of themselves ask for nothing: to compress tensors for
    them costs more time than it saves, and tritonclient's asyncio cannot read all such answers.
    """
    return accept if accept in ("gzip", "deflate") else None


def compress(body: bytes, encoding: str) -> bytes:
    """`body` as gzip or deflate, fast rather than small."""
    return gzip.compress(body, 1, mtime=0) if encoding == "gzip" else zlib.compress(body, 1)
