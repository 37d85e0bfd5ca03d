"""A request's body becomes the files in it, held in memory.

`service.http.body_limit` bounds its size.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from python_multipart.multipart import parse_options_header
from starlette.requests import Request
from starlette.types import Scope

from service.errors import Malformed, TooLarge
from service.settings import Settings

FIELD = "file"

# RFC 2046, section 5.1.1.
_MAX_BOUNDARY = 70
# Bytes of the header of one part; a filename and a type need far less.
_MAX_PART_HEADER = 8192

# The form that nearly all clients send; python-multipart's parser takes three times as long.
_SIMPLE_DISPOSITION = re.compile(
    rb'form-data; name="([^"\\\r\n]*)"(?:; filename="([^"\\\r\n]*)")?', re.ASCII
)


@dataclass(slots=True)
class Upload:
    """One file of a request. A raw body has no filename; its type is that of the request."""

    filename: str | None
    data: bytes
    kind: bytes = b""


async def read(request: Request, settings: Settings) -> list[Upload]:
    """The images of `request`: the form field `file`, repeatable, or the whole body as one.

    Raises TooLarge for more than the limit, Malformed when there is no image in it.
    """
    body = await request.body()
    kind, options = _content_type(request.scope)
    if kind != b"multipart/form-data":
        return [Upload(None, body, kind)]
    uploads = parse(body, options.get(b"boundary", b""), settings.max_images)
    if not uploads:
        raise Malformed(f"The form has no file in the field {FIELD!r}: curl -F {FIELD}=@digit.png")
    return uploads


@lru_cache(64)  # A client that sends many images names the same boundary each time.
def _options(header: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    return parse_options_header(header)


def _content_type(scope: Scope) -> tuple[bytes, dict[bytes, bytes]]:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return _options(value)
    return b"", {}


def parse(body: bytes, boundary: bytes, most: int) -> list[Upload]:
    """The parts named `file` of the form `body`, which has at most `most` parts of any name.

    By RFC 2046 the delimiter occurs in no part, so the body is split at it. python-multipart,
    which walks over every byte of the headers, took ten times as long. Raises Malformed and
    TooLarge.
    """
    if not 1 <= len(boundary) <= _MAX_BOUNDARY:
        raise Malformed("The form's Content-Type names no boundary of 1 to 70 characters.")
    before, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, most + 2)
    if before or not parts:
        raise Malformed("The form does not begin with the boundary that its Content-Type names.")
    if len(parts) > most + 1:
        raise TooLarge(f"The form has more than {most} parts. Send fewer at once.")
    if not parts[-1].startswith(b"--"):
        raise Malformed("The form ends before its closing boundary. Send it again, whole.")
    found = [_part(part) for part in parts[:-1]]
    return [upload for upload in found if upload is not None]


def _part(part: bytes) -> Upload | None:
    """The file in one part: CRLF, header lines, an empty line, data. None for another field."""
    head, ended, data = part.partition(b"\r\n\r\n")
    if not ended or len(head) > _MAX_PART_HEADER or not part.startswith(b"\r\n"):
        raise Malformed("A part of the form has no header that ends in an empty line.")
    header = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        header[name.strip().lower()] = value.strip()
    field, filename = _disposition(header.get(b"content-disposition", b""))
    if field != FIELD.encode():
        return None
    name_ = filename.decode("utf-8", "replace")
    return Upload(name_ or None, data, header.get(b"content-type", b"").lower())


def _disposition(value: bytes) -> tuple[bytes, bytes]:
    """The field name and the filename of a Content-Disposition; empty when missing."""
    if (simple := _SIMPLE_DISPOSITION.fullmatch(value)) is not None:
        return simple[1], simple[2] or b""
    _, options = parse_options_header(value)
    return options.get(b"name", b""), options.get(b"filename", b"")
