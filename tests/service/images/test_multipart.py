"""Forms: what python-multipart finds in them is what is found, and nothing is guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_multipart.multipart import MultipartParser

from service.errors import Malformed, TooLarge
from service.images.multipart import Upload, parse

BOUNDARY = b"--x7"

# Data that comes near a delimiter.
data = st.lists(
    st.sampled_from([b"\r\n", b"--", b"x7", b"\r", b"\n", b"\r\n--", b"\0", b"a"]), max_size=9
).map(b"".join)


def form(*parts: bytes, name: bytes = b"file") -> bytes:
    head = b'Content-Disposition: form-data; name="' + name + b'"; filename="a.png"\r\n\r\n'
    pieces = [b"--" + BOUNDARY + b"\r\n" + head + part + b"\r\n" for part in parts]
    return b"".join(pieces) + b"--" + BOUNDARY + b"--\r\n"


def walked(body: bytes) -> list[bytes]:
    """The data of all parts, by python-multipart."""
    found: list[bytearray] = []
    parser = MultipartParser(
        BOUNDARY,
        {
            "on_part_begin": lambda: found.append(bytearray()),
            "on_part_data": lambda chunk, start, end: found[-1].extend(chunk[start:end]),
        },
    )
    parser.write(body)
    parser.finalize()
    return [bytes(one) for one in found]


@settings(max_examples=300, deadline=None)
@given(st.lists(data.filter(lambda one: BOUNDARY not in one), min_size=1, max_size=4))
def test_parts_are_those_that_python_multipart_finds(parts: list[bytes]) -> None:
    body = form(*parts)
    found = [one.data for one in parse(body, BOUNDARY, 9)]
    assert found == parts == walked(body)


def test_names_and_types_come_along_and_other_fields_do_not() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--b\r\ncontent-type: Image/PNG\r\nCONTENT-DISPOSITION: form-data; name="file";'
        b' filename="d\xc3\xa9.png"\r\n\r\nxyz\r\n--b--\r\nan epilogue'
    )
    assert parse(body, b"b", 2) == [Upload("dé.png", b"xyz", b"image/png")]


PART = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        PART,
        b"preamble\r\n" + PART + b"--b--",
        b"--b\r\nno empty line\r\n--b--\r\n",
        b"--bc\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"A: b\r\n" * 2000 + b"\r\nx\r\n--b--\r\n",
    ],
)
def test_broken_form_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body, b"b", 9)


@pytest.mark.parametrize("boundary", [b"", b"b" * 71])
def test_boundary_outside_its_rule_is_refused(boundary: bytes) -> None:
    with pytest.raises(Malformed, match="boundary"):
        parse(PART, boundary, 9)


def test_one_part_too_many_is_refused() -> None:
    assert len(parse(form(*[b"x"] * 3), BOUNDARY, 3)) == 3
    with pytest.raises(TooLarge):
        parse(form(*[b"x"] * 4), BOUNDARY, 3)
