"""What a mixed public asks of the service, each request with the answer that it must get.

The answers are the service's own to the same requests sent one by one beforehand; in those of
`/predict` the labels are compared, and the probabilities within what a batch's size may change.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import httpx2 as httpx
import numpy as np

from benchmarks import synthetic_photos
from benchmarks.harness import http_requests, request_bodies

CLOSE = 1e-4
PICTURES = 64
PHOTOGRAPHS = 8

# How often each kind is asked, of a hundred requests.
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


class Wrong(Exception):
    """An answer that is not the one that this request must get."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request of one kind, and what its answer must be."""

    kind: str
    request: httpx.Request
    status: int = 200
    digest: bytes = b""
    predictions: tuple[tuple[str, float], ...] = ()

    def check(self, answer: httpx.Response) -> None:
        """Raise Wrong unless `answer` is the one that belongs to this question."""
        if answer.status_code != self.status:
            raise Wrong(f"{answer.status_code} instead of {self.status}: {_detail(answer)}")
        if self.predictions:
            got = _predictions(answer)
            for (label, sure), (known, known_sure) in zip(got, self.predictions, strict=True):
                if label != known or abs(sure - known_sure) > CLOSE:
                    raise Wrong(f"{label} ({sure}) instead of {known} ({known_sure})")
        elif self.digest and _digest(answer.content) != self.digest:
            raise Wrong("another body")


class Mix:
    """Questions in the shares of `SHARES`, drawn from a stock that was asked beforehand."""

    def __init__(self, stock: dict[str, list[Question]], seed: int = 1) -> None:
        self._stock = stock
        self._random = random.Random(seed)
        self._kinds = list(SHARES)
        self._shares = list(SHARES.values())

    def draw(self) -> Question:
        """The next question."""
        (kind,) = self._random.choices(self._kinds, self._shares)
        return self._random.choice(self._stock[kind])


async def prepare(client: httpx.AsyncClient) -> Mix:
    """Ask every question once, alone, and keep what was answered."""
    digits = http_requests.digits(None, PICTURES)
    rng = np.random.default_rng(7)
    sent = [(request_bodies.multipart(digits[i : i + 1], "file"), "digit") for i in range(PICTURES)]
    for i in range(PHOTOGRAPHS):
        jpeg = synthetic_photos.photograph(digits[i], rng).jpeg
        sent.append(((jpeg, {"Content-Type": "image/jpeg"}), "photograph"))
    for i in range(0, PICTURES, 8):
        sent.append((request_bodies.multipart(digits[i : i + 8], "file"), "eight digits"))
    stock: dict[str, list[Question]] = {kind: [] for kind in SHARES}
    tokens: list[str] = []
    for (body, headers), kind in sent:
        request = client.build_request("POST", "/predict", content=body, headers=headers)
        answer = await _ask(client, request)
        stock[kind].append(Question(kind, request, predictions=_predictions(answer)))
        if kind == "digit":
            tokens.append(answer.json()["predictions"][0]["image"])
    for token in tokens:
        for kind, path in _looks(token):
            question = await _asked(client, kind, client.build_request("GET", path))
            stock[kind].append(question)
        stock["known ETag"].append(await _conditional(client, stock["maps, PNG"][-1].request))
    stock["no image"] = [_bad(client, body) for body in _bad_bodies(digits)]
    stock["disconnect"] = [
        Question("disconnect", one.request) for one in stock["digit"] + stock["photograph"]
    ]
    return Mix(stock)


async def leave(request: httpx.Request, share: float) -> None:
    """Send `share` of `request` on a connection of its own, and go without an answer."""
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


def _looks(token: str) -> Iterator[tuple[str, str]]:
    maps = f"/layers/conv2/feature-maps?image={token}&format="
    yield "maps, JSON", f"/layers/conv1/pooled-maps/3?image={token}&format=json"
    yield "maps, PNG", maps + "png"
    yield "maps, .npy", maps + "npy"
    yield "cell", f"/layers/conv2/feature-maps/13/cells/4/5?image={token}"
    yield "Grad-CAM", f"/grad-cam?image={token}&format=png"


async def _asked(client: httpx.AsyncClient, kind: str, request: httpx.Request) -> Question:
    answer = await _ask(client, request)
    return Question(kind, request, digest=_digest(answer.content))


async def _conditional(client: httpx.AsyncClient, seen: httpx.Request) -> Question:
    etag = (await _ask(client, seen)).headers["etag"]
    request = client.build_request("GET", seen.url, headers={"If-None-Match": etag})
    return Question("known ETag", request, 304, _digest(b""))


async def _ask(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    answer = await client.send(request)
    answer.raise_for_status()
    return answer


def _bad(client: httpx.AsyncClient, body: tuple[bytes, int]) -> Question:
    content, status = body
    headers = {"Content-Type": "image/png"}
    request = client.build_request("POST", "/predict", content=content, headers=headers)
    return Question("no image", request, status)


def _bad_bodies(digits: request_bodies.Pixels) -> Sequence[tuple[bytes, int]]:
    """Bytes that are no image, and an image that is cut off, each with its status."""
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
