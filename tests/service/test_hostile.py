"""Files and forms made to do harm, each with what it gets: an answer or a refusal, and no more
memory than one picture within the limits takes."""

import functools
import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.pictures import save, seven

MOST_MEMORY = 48 * 2**20
"""Bytes above what stood before: the settings of these tests let a million pixels in."""

MANY = 100 * 2**20
"""What a bomb would unpack to; it is packed to less than `max_image_bytes`."""


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, rows: bytes = b"", *more: bytes) -> bytes:
    """A grey PNG of any claimed size, with any rows and any chunks before them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + chunk(b"IEND", b"")


def rows(width: int, height: int) -> bytes:
    return (b"\0" + b"\x80" * width) * height


def gif(width: int, height: int, frame: tuple[int, int]) -> bytes:
    """A GIF whose screen and whose first frame claim any sizes."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x4c\x01\x00;"


def animation(kind: str, frames: int) -> bytes:
    first, *rest = (Image.new("L", (4, 4), frame % 256) for frame in range(frames))
    return save(first, kind, save_all=True, append_images=rest)


def tiff(entries: list[tuple[int, int, int, int]], after: int = 0, pixels: bytes = b"") -> bytes:
    """A TIFF with these entries (tag, type, count, value), the next directory at `after`."""
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + body + struct.pack("<I", after) + pixels


def tiff_sized(width: int, height: int, compression: int, after: int, pixels: bytes) -> bytes:
    size = 8 + 2 + 9 * 12 + 4
    tags = [(256, width), (257, height), (258, 8), (259, compression), (262, 1), (273, size)]
    tags += [(277, 1), (278, height), (279, len(pixels))]
    return tiff([(tag, 4, 1, value) for tag, value in tags], after, pixels)


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack(
        "<IHHIIiiHHIIiiII", 90, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0
    )


def webp(width: int, height: int) -> bytes:
    """An extended WebP of any claimed canvas."""
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg(width: int, height: int) -> bytes:
    """A JPEG that says another size in its frame header."""
    data = bytearray(save(seven(16), "JPEG"))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("../../digit.png", b"\0" * MANY)
    return buffer.getvalue()


def pickled() -> bytes:
    class Harm:
        def __reduce__(self) -> Any:
            return exec, ("raise SystemExit",)

    return pickle.dumps(Harm())


@functools.cache
def text() -> bytes:
    return zlib.compress(b"a" * MANY, 9)


# Every worker collects every case: what takes long to make is made by the test.
Made = bytes | Callable[[], bytes]
FILES: dict[str, tuple[Made, int]] = {
    # Sizes that are only claimed.
    "PNG of 65,535 × 65,535": (png(65_535, 65_535), 413),
    "PNG of 2³¹−1 × 1": (png(2**31 - 1, 1), 413),
    "PNG of 0 × 0": (png(0, 0), 422),
    "GIF screen of 65,535 × 65,535": (gif(65_535, 65_535, (1, 1)), 413),
    "GIF frame larger than its screen": (gif(1, 1, (65_535, 65_535)), 413),
    "TIFF of 65,535 × 65,535": (tiff_sized(65_535, 65_535, 1, 0, b""), 413),
    "BMP of 65,535 × 65,535": (bmp(65_535, 65_535), 413),
    "BMP of a negative height": (bmp(65_535, -65_535), 413),
    "WebP canvas of 16,383 × 16,383": (webp(16_383, 16_383), 413),
    "JPEG of 65,535 × 65,535": (jpeg(65_535, 65_535), 413),
    "PPM of 65,535 × 65,535": (b"P6 65535 65535 255\n", 413),
    "PPM with a size of 10,000 digits": (b"P6 " + b"9" * 10_000 + b" 1 255\n", 422),
    # Bombs: little that unpacks to much.
    "PNG rows past their end": (lambda: png(20, 20, b"\0" * MANY), 200),
    "PNG text": (
        lambda: png(20, 20, rows(20, 20), chunk(b"zTXt", b"a\0\0" + text())),
        422,
    ),
    "PNG international text": (
        lambda: png(20, 20, rows(20, 20), chunk(b"iTXt", b"a\0\1\0\0\0" + text())),
        422,
    ),
    "PNG colour profile": (
        lambda: png(20, 20, rows(20, 20), chunk(b"iCCP", b"a\0\0" + text())),
        422,
    ),
    "TIFF strip past its end": (lambda: tiff_sized(20, 20, 8, 0, text()), 200),
    "TIFF strip shorter than its size": (tiff_sized(900, 900, 8, 0, zlib.compress(b"a")), 422),
    "TIFF entry of 4 GiB": (tiff([(256, 4, 1, 9), (257, 4, 1, 9), (700, 1, 2**32 - 1, 8)]), 422),
    "TIFF directory that follows itself": (tiff_sized(20, 20, 1, 8, b"\x80" * 400), 200),
    # Much that is only begun.
    "GIF of a thousand frames": (lambda: animation("GIF", 1000), 200),
    "WebP of three hundred frames": (lambda: animation("WEBP", 300), 200),
    "TIFF of three hundred pages": (lambda: animation("TIFF", 300), 200),
    # Two things at once.
    "PNG and a ZIP": (lambda: save(seven()) + archive(), 200),
    "JPEG and a script": (save(seven(), "JPEG", comment=b"<script>alert(1)</script>"), 200),
    "GIF and a script": (b"GIF89a=1;alert(1);//" + b"\0" * 40, 422),
    "PDF and a JPEG": (b"%PDF-1.7\n" + save(seven(), "JPEG"), 415),
    # What is no picture.
    "a ZIP": (archive, 415),
    "a pickle": (pickled(), 415),
    "a page": (b"<html><script>alert(1)</script></html>", 415),
    "an SVG that reads a file": (
        b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        415,
    ),
    "an EPS, which is a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415),
    "a playlist of addresses": (b"#EXTM3U\nhttp://127.0.0.1/\n", 415),
    "an address": (b"http://169.254.169.254/latest/meta-data", 415),
    "a gzip bomb": (lambda: zlib.compress(b"\0" * MANY, 9, 31), 415),
}


@pytest.mark.parametrize("case", FILES)
def test_what_a_hostile_file_gets(client: TestClient, case: str) -> None:
    made, status = FILES[case]
    data = made() if callable(made) else made
    before = most_memory(reset=True)
    response = client.post("/predict", content=data)
    assert most_memory() - before < MOST_MEMORY
    assert response.status_code == status, response.text[:300]
    if status != 200:
        assert response.headers["content-type"] == "application/problem+json"


def most_memory(*, reset: bool = False) -> int:
    """The most bytes that this process held since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def part(body: bytes, *, headers: bytes = b"", name: bytes = b"file", file: bytes = b"a") -> bytes:
    said = b'Content-Disposition: form-data; name="%s"; filename="%s"\r\n' % (name, file)
    return b"--b\r\n" + said + headers + b"\r\n" + body + b"\r\n"


GOOD = save(seven())
END = b"--b--\r\n"
FORMS: dict[str, tuple[Made, int]] = {
    "10,000 fields": (part(b"x", name=b"a") * 10_000 + END, 413),
    "10,000 files": (part(b"x") * 10_000 + END, 413),
    "100,000 boundaries": (b"--b\r\n" * 100_000 + END, 413),
    "a ZIP": (lambda: part(archive()) + END, 415),
    "a part with 10,000 headers": (part(GOOD, headers=b"X: y\r\n" * 10_000) + END, 400),
    "a part with an endless header": (
        part(GOOD, headers=b"X: " + b"y" * 100_000 + b"\r\n") + END,
        400,
    ),
    "a part without an end": (part(GOOD)[:-2], 400),
    "a part that says base64": (
        part(b"aGVsbG8=", headers=b"Content-Transfer-Encoding: base64\r\n") + END,
        415,
    ),
    "a form in a form": (
        part(part(GOOD) + END, headers=b"Content-Type: multipart/mixed; boundary=b\r\n"),
        400,
    ),
    "a form in another form": (part(b"--c\r\n\r\nx\r\n--c--\r\n") + END, 415),
    "a file without a name": (part(GOOD, file=b"") + END, 200),
    "a field without a file": (part(b"x", name=b"image") + END, 400),
}


@pytest.mark.parametrize("case", FORMS)
def test_what_a_hostile_form_gets(client: TestClient, case: str) -> None:
    made, status = FORMS[case]
    body = made() if callable(made) else made
    before = most_memory(reset=True)
    response = client.post(
        "/predict", content=body, headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert most_memory() - before < MOST_MEMORY
    assert response.status_code == status, response.text[:300]


NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "C:\\con",
    "a\0b.png",
    "<img src=x onerror=alert(1)>.png",
    "‮gnp.exe",
    "x" * 4000,
]


@pytest.mark.parametrize("name", NAMES)
def test_name_of_a_file_is_a_text_and_nothing_else(client: TestClient, name: str) -> None:
    """It comes back as it was sent; no file is ever opened or written by it."""
    said = name.encode().replace(b"\\", b"\\\\")
    response = client.post(
        "/predict",
        content=part(GOOD, file=said) + END,
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert "etc" not in name or "root:" not in response.text


PATHS = {
    "/web/../../pyproject.toml": 404,
    "/web/..%2f..%2fpyproject.toml": 404,
    "/web/%2e%2e/%2e%2e/pyproject.toml": 404,
    "/web//etc/passwd": 404,
    "/web/%00": 404,
    "/samples/digit/..%2f..%2fapp.png": 404,
    "/samples/..%2fdigit/7.png": 404,
    "/samples/digit/%2fetc%2fpasswd.png": 404,
    "/models/..%2f..%2fetc": 404,
    "/layers/..%2fconv1/feature-maps": 404,
    "/layers/conv1/feature-maps?sample=../../app.py": 404,
    "/layers/conv1/feature-maps?sample=%00": 404,
    "/layers/conv1/feature-maps?model=../tiny-digit": 404,
    "/layers/conv1/feature-maps/99999999999999999999999": 404,
    "/layers/conv1/feature-maps/1e9": 422,
    "/layers/conv1/feature-maps?version=1e400": 422,
}


@pytest.mark.parametrize("path", PATHS)
def test_what_a_hostile_path_gets(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == PATHS[path], response.text[:300]
    assert "[project]" not in response.text
