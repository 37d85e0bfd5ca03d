"""Images become whole HTTP requests for a server; its answers become probabilities."""

import http.client
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.peers import Endpoint
from benchmarks.harness.request_bodies import KINDS, Pixels
from service.images import decode, prepare, samples

Floats = NDArray[np.float64]


def digits(data: Path | None, count: int) -> Pixels:
    """`count` digits, uint8 (n, 28, 28): MNIST test images of `data`, or the service's samples."""
    if data is not None:
        with np.load(data / "mnist.npz") as arrays:
            return np.array(arrays["x_test"][:count], np.uint8)
    return _drawn(count)


def _drawn(count: int) -> Pixels:
    """The sample images of the service, each shifted by up to 2 pixels so that all differ."""
    shape = (28, 28, 1)
    names = samples.names("digit")
    drawn = []
    for i in range(count):
        data = samples.data("digit", names[i % len(names)])
        picture = decode.decode(decode.open_image(data, decode.Limits()))
        digit = prepare.prepare(picture, "digit", shape).pixels[..., 0]
        repeat = i // len(names)
        drawn.append(np.roll(digit, (repeat % 5 - 2, repeat // 5 % 5 - 2), axis=(0, 1)))
    return np.stack(drawn)


@dataclass(frozen=True, slots=True)
class Request:
    """A whole HTTP request, and the indices of the digits in it."""

    raw: bytes
    indices: tuple[int, ...]


def build(all_digits: Pixels, endpoint: Endpoint, images_each: int) -> list[Request]:
    """Requests for `endpoint` with `images_each` digits each, in the order of `all_digits`."""
    count = len(all_digits) if images_each == 1 else max(1, len(all_digits) // 8)
    requests = []
    for i in range(count):
        start = i if images_each == 1 else i * 8
        indices = tuple((start + j) % len(all_digits) for j in range(images_each))
        body, headers = KINDS[endpoint.body](all_digits[list(indices)], endpoint.field)
        requests.append(Request(http_post(endpoint.path, body, headers), indices))
    return requests


def http_post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A whole POST request with `body`."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def http_get(path: str) -> bytes:
    """A whole GET request for `path`."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def send(port: int, raw: bytes, timeout: float) -> tuple[int, bytes]:
    """Sends one request over a new connection; returns the status and the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(raw)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def probabilities(body: bytes) -> Floats:
    """The probabilities (n, classes) in the answer of any of the servers."""
    answer = json.loads(body)
    if isinstance(answer, dict) and "outputs" in answer:
        return _of_protocol(answer["outputs"])
    predictions = answer if isinstance(answer, list) else answer["predictions"]
    rows: Sequence[Any] = [one["probabilities"] for one in predictions]
    return np.array([list(row.values()) if isinstance(row, dict) else row for row in rows])


def _of_protocol(outputs: Sequence[Any]) -> Floats:
    """The tensor `probabilities` of an answer in the Open Inference Protocol's JSON."""
    output = next(one for one in outputs if one["name"] == "probabilities")
    return np.array(output["data"], np.float64).reshape(output["shape"])
