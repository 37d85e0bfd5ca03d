"""The mix of requests of the soak test, each with the answer that it must get.

The expected answers are the service's own, to the same requests sent one by one beforehand. An
answer of `/predict` must have the same labels, and confidences within TOLERANCE, because the batch
size changes their rounding. Every other successful answer must have the same bytes.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import httpx2 as httpx
import numpy as np
import stamina

from benchmarks import synthetic_photos
from benchmarks.harness import http_requests, request_bodies

TOLERANCE = 1e-4
DIGITS = 64
PHOTOGRAPHS = 8

# Requests of each kind in a hundred.
SHARES = {
    "digit": 40,
    "photograph": 8,
    "eight digits": 5,
    "maps, JSON": 6,
    "maps, PNG": 8,
    "maps, .npy": 8,
    "cell": 8,
    "Grad-CAM": 4,
    "known ETag": 6,
    "no image": 4,
    "disconnect": 3,
}


class WrongAnswer(Exception):
    """An answer differs from the expected one."""


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request of one kind, and what its answer must be: status and body digest or predictions."""

    kind: str
    request: httpx.Request
    status: int = 200
    digest: bytes = b""
    predictions: tuple[tuple[str, float], ...] = ()

    def check(self, answer: httpx.Response) -> None:
        """Raises WrongAnswer unless `answer` is the expected one."""
        if answer.status_code != self.status:
            raise WrongAnswer(f"{answer.status_code} instead of {self.status}: {_detail(answer)}")
        if self.predictions:
            got = _predictions(answer)
            for (label, confidence), (known, known_confidence) in zip(
                got, self.predictions, strict=True
            ):
                if label != known or abs(confidence - known_confidence) > TOLERANCE:
                    raise WrongAnswer(
                        f"{label} ({confidence}) instead of {known} ({known_confidence})"
                    )
        elif self.digest and _digest(answer.content) != self.digest:
            raise WrongAnswer("another body")


class Mix:
    """Draws requests in the proportions of SHARES."""

    def __init__(self, requests: dict[str, list[CheckedRequest]], seed: int = 1) -> None:
        self._requests = requests
        self._random = random.Random(seed)
        self._kinds = list(SHARES)
        self._shares = list(SHARES.values())

    def draw(self) -> CheckedRequest:
        """The next request."""
        (kind,) = self._random.choices(self._kinds, self._shares)
        return self._random.choice(self._requests[kind])


async def prepare(client: httpx.AsyncClient) -> Mix:
    """Sends every request once, alone, and records its answer as the expected one."""
    digits = http_requests.digits(None, DIGITS)
    rng = np.random.default_rng(7)
    sent = [(request_bodies.multipart(digits[i : i + 1], "file"), "digit") for i in range(DIGITS)]
    for i in range(PHOTOGRAPHS):
        jpeg = synthetic_photos.photograph(digits[i], rng).jpeg
        sent.append(((jpeg, {"Content-Type": "image/jpeg"}), "photograph"))
    for i in range(0, DIGITS, 8):
        sent.append((request_bodies.multipart(digits[i : i + 8], "file"), "eight digits"))
    requests: dict[str, list[CheckedRequest]] = {kind: [] for kind in SHARES}
    tokens: list[str] = []
    for (body, headers), kind in sent:
        request = client.build_request("POST", "/predict", content=body, headers=headers)
        answer = await _send(client, request)
        requests[kind].append(CheckedRequest(kind, request, predictions=_predictions(answer)))
        if kind == "digit":
            tokens.append(answer.json()["predictions"][0]["image"])
    for token in tokens:
        for kind, path in _map_requests(token):
            checked = await _recorded(client, kind, client.build_request("GET", path))
            requests[kind].append(checked)
        requests["known ETag"].append(await _conditional(client, requests["maps, PNG"][-1].request))
    requests["no image"] = [_bad(client, body) for body in _bad_bodies(digits)]
    requests["disconnect"] = [
        CheckedRequest("disconnect", one.request)
        for one in requests["digit"] + requests["photograph"]
    ]
    return Mix(requests)


async def disconnect(request: httpx.Request, share: float) -> None:
    """Sends the first `share` of `request` on a new connection, and closes it without an answer."""
    url, body = request.url, request.content
    head = f"{request.method} {url.raw_path.decode()} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in request.headers.items()
    )
    whole = head.encode() + b"\r\n" + body
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(whole[: max(1, int(share * len(whole)))])
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def _map_requests(token: str) -> Iterator[tuple[str, str]]:
    maps = f"/layers/conv2/feature-maps?image={token}&format="
    yield "maps, JSON", f"/layers/conv1/pooled-maps/3?image={token}&format=json"
    yield "maps, PNG", maps + "png"
    yield "maps, .npy", maps + "npy"
    yield "cell", f"/layers/conv2/feature-maps/13/cells/4/5?image={token}"
    yield "Grad-CAM", f"/grad-cam?image={token}&format=png"


async def _recorded(client: httpx.AsyncClient, kind: str, request: httpx.Request) -> CheckedRequest:
    answer = await _send(client, request)
    return CheckedRequest(kind, request, digest=_digest(answer.content))


async def _conditional(client: httpx.AsyncClient, seen: httpx.Request) -> CheckedRequest:
    etag = (await _send(client, seen)).headers["etag"]
    request = client.build_request("GET", seen.url, headers={"If-None-Match": etag})
    return CheckedRequest("known ETag", request, 304, _digest(b""))


# The first Grad-CAM waits for TensorFlow, which on a slow machine takes longer than the deadline.
@stamina.retry(on=httpx.HTTPStatusError, attempts=5, wait_initial=1)
async def _send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    answer = await client.send(request)
    answer.raise_for_status()
    return answer


def _bad(client: httpx.AsyncClient, body: tuple[bytes, int]) -> CheckedRequest:
    content, status = body
    headers = {"Content-Type": "image/png"}
    request = client.build_request("POST", "/predict", content=content, headers=headers)
    return CheckedRequest("no image", request, status)


def _bad_bodies(digits: request_bodies.Pixels) -> Sequence[tuple[bytes, int]]:
    """A text file and a truncated PNG, each with the status that it must get."""
    return [(b"This is a letter, not a picture.", 415), (request_bodies.png(digits[0])[:-40], 422)]


def _predictions(answer: httpx.Response) -> tuple[tuple[str, float], ...]:
    document: dict[str, Any] = answer.json()
    return tuple((one["label"], one["confidence"]) for one in document["predictions"])


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=8).digest()
