"""A request's body becomes the files in it, held in memory and never larger than the limits."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from service.errors import Malformed, TooLarge
from service.settings import Settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"


@dataclass(slots=True)
class Upload:
    """One file of a request; a raw body has no name."""

    filename: str | None
    data: bytes


async def read(request: Request, settings: Settings) -> list[Upload]:
    """The images of `request`: the form field `file`, repeatable, or the whole body as one.

    Raises TooLarge as soon as the body passes a limit, Malformed when there is no image in it.
    """
    body = await _body(request, settings.max_request_bytes)
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        return [Upload(None, body)]
    form = _Form(settings.max_images)
    try:
        parser = MultipartParser(options.get(b"boundary", b""), form.callbacks())
        parser.write(body)
        parser.finalize()
    except (FormParserError, MultipartParseError, UnicodeDecodeError) as problem:
        raise Malformed(f"The form cannot be read: {problem}.") from problem
    if not form.ended:
        raise Malformed("The form ends before its closing boundary. Send it again, whole.")
    if not form.uploads:
        raise Malformed(f"The form has no file in the field {FIELD!r}: curl -F {FIELD}=@digit.png")
    return form.uploads


async def _body(request: Request, limit: int) -> bytes:
    refusal = TooLarge(f"The request is larger than {limit} bytes. Send fewer or smaller images.")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise refusal
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise refusal
        chunks.append(chunk)
    return b"".join(chunks)


@dataclass(slots=True)
class _Form:
    """What the multipart parser calls: collects the parts named `file`."""

    most: int
    uploads: list[Upload] = field(default_factory=list)
    ended: bool = False
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _disposition: bytes = b""
    _data: bytearray = field(default_factory=bytearray)
    _parts: int = 0

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > self.most:
            raise TooLarge(f"The form has more than {self.most} parts. Send fewer at once.")
        self._disposition, self._data = b"", bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _part_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") == FIELD.encode():
            filename = options.get(b"filename", b"").decode("utf-8", "replace")
            self.uploads.append(Upload(filename or None, bytes(self._data)))

    def _end(self) -> None:
        self.ended = True
