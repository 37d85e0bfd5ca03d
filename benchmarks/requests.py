"""Digits become the HTTP requests that a server takes, and its answers become probabilities."""

import base64
import http.client
import io
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service import images, preparation, samples

Digits = NDArray[np.uint8]
Floats = NDArray[np.float64]
Body = tuple[bytes, dict[str, str]]

BOUNDARY = "convlens-boundary-7f3a"


def digits(data: Path | None, count: int) -> Digits:
    """`count` digits, uint8 (n, 28, 28): of MNIST's test images in `data`, or drawn."""
    if data is not None:
        with np.load(data / "mnist.npz") as arrays:
            return arrays["x_test"][:count].copy()
    return _drawn(count)


def _drawn(count: int) -> Digits:
    """The pictures that ship with the service, each shifted by a little, so that all differ."""
    shape = (28, 28, 1)
    names = samples.names("digit")
    drawn = []
    for i in range(count):
        data = samples.data("digit", names[i % len(names)])
        picture = images.decode(images.inspect(data, images.Limits()))
        digit = preparation.prepare(picture, "digit", shape).pixels[..., 0]
        turn = i // len(names)
        drawn.append(np.roll(digit, (turn % 5 - 2, turn // 5 % 5 - 2), axis=(0, 1)))
    return np.stack(drawn)


def png(digit: Digits) -> bytes:
    """One digit, uint8 (28, 28), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(digit).save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Request:
    """A whole HTTP request, and which digits are in it."""

    raw: bytes
    indices: tuple[int, ...]


def build(all_digits: Digits, kind: str, path: str, images_each: int) -> list[Request]:
    """Requests of `kind` to `path` with `images_each` digits each, all digits taken in turn."""
    count = len(all_digits) if images_each == 1 else max(1, len(all_digits) // 8)
    requests = []
    for i in range(count):
        start = i if images_each == 1 else i * 8
        indices = tuple((start + j) % len(all_digits) for j in range(images_each))
        body, headers = BODIES[kind](all_digits[list(indices)])
        requests.append(Request(_http(path, body, headers), indices))
    return requests


def _http(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _multipart(some: Digits) -> Body:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{i}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + png(digit)
        + b"\r\n"
        for i, digit in enumerate(some)
    ]
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), {"Content-Type": kind}


def _raw(some: Digits) -> Body:
    if len(some) != 1:
        raise ValueError("a raw body holds one image")
    return png(some[0]), {"Content-Type": "image/png"}


def _npy(some: Digits) -> Body:
    file = io.BytesIO()
    np.save(file, some[..., np.newaxis])
    return file.getvalue(), {"Content-Type": "application/x-npy"}


def _json(some: Digits) -> Body:
    """A JSON list of PNG files in base64, for servers whose documentation sends JSON."""
    files = [base64.b64encode(png(digit)).decode() for digit in some]
    return json.dumps({"images": files}).encode(), {"Content-Type": "application/json"}


BODIES: dict[str, Callable[[Digits], Body]] = {
    "multipart": _multipart,
    "raw": _raw,
    "npy": _npy,
    "json": _json,
}


def send(port: int, raw: bytes, timeout: float) -> tuple[int, bytes]:
    """One request over a connection of its own: the status and the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(raw)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def probabilities(body: bytes) -> Floats:
    """The probabilities (n, classes) in the answer of any of the servers."""
    answer = json.loads(body)
    if "outputs" in answer:
        return _of_protocol(answer["outputs"])
    rows: Sequence[Any] = [one["probabilities"] for one in answer["predictions"]]
    return np.array([list(row.values()) if isinstance(row, dict) else row for row in rows])


def _of_protocol(outputs: Sequence[Any]) -> Floats:
    """The tensor `probabilities` of an answer in the Open Inference Protocol's JSON."""
    output = next(one for one in outputs if one["name"] == "probabilities")
    return np.array(output["data"], np.float64).reshape(output["shape"])
