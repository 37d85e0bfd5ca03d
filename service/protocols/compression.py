"""A gzip or deflate body becomes plain bytes, up to a limit; a response body becomes compressed."""

import gzip
import zlib

from service.errors import Malformed, TooLarge

# 32 lets zlib detect whether the header is gzip's or its own.
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


def decompress(body: bytes, encoding: str | None, most: int) -> bytes:
    """`body` decoded from its Content-Encoding: gzip, deflate or none.

    At most `most` + 1 bytes are unpacked. Raises TooLarge for more than `most`, Malformed for
    another encoding and for a body that is not exactly one complete stream of its encoding.
    """
    if encoding in (None, "", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Malformed(f"Content-Encoding may be gzip or deflate, not {encoding[:40]!r}.")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error as problem:
        raise Malformed(
            f"The body is not the {encoding} data that its Content-Encoding names."
        ) from problem
    if len(plain) > most:
        raise TooLarge(f"The request decompresses to more than {most} bytes. Send less at once.")
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed(f"The body is not exactly one complete {encoding} stream.")
    return plain


def requested(accept: str | None) -> str | None:
    """The encoding of an answer: that of an `Accept-Encoding` of gzip or deflate alone, else None.

    Lists such as `gzip, deflate` are the default of HTTP libraries. They get no compression: for
    tensors it takes more time than it saves, and tritonclient.http.aio cannot read all of it.
    """
    return accept if accept in ("gzip", "deflate") else None


def compress(body: bytes, encoding: str) -> bytes:
    """`body` as gzip or deflate, at the fastest level."""
    return gzip.compress(body, 1, mtime=0) if encoding == "gzip" else zlib.compress(body, 1)
