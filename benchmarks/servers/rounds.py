"""One server at a time is started, checked against the bare model and measured, round by round."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.harness import http_requests, running_server, wrk
from benchmarks.harness.http_requests import Request
from benchmarks.harness.peers import Ask, Peer
from benchmarks.harness.request_bodies import Pixels
from benchmarks.harness.running_server import NotStarted, Server
from benchmarks.harness.wrk import Load
from benchmarks.servers.bare_model import Bare

CONNECTIONS_FOR_MANY = 4
"""At once where one request holds many images: enough to keep two cores busy."""

MANY = 64
CLOSE = 2e-3
"""Probabilities may differ this much from the bare model's: some servers round or use float16."""


class WrongAnswers(Exception):
    """A server does not say what the bare model says."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured: a body, the images in each request, the connections at once."""

    body: str
    images: int
    connections: int


@dataclass(slots=True)
class Record:
    """All that the rounds learned of one peer; `absent` says why it learned nothing.

    `cost` is the processor time of all its processes for one answer, in µs.
    """

    peer: Peer
    python: Path
    loads: dict[Case, list[Load]] = field(default_factory=dict)
    cost: dict[Case, list[float]] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    difference: float | None = None
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What every server goes through in a round."""

    model: Path
    digits: Pixels
    bare: Bare
    workers: int
    connections: Sequence[int]
    seconds: float

    def run(self, record: Record) -> None:
        """One round of one server; what it cannot do is written into `record`."""
        first = http_requests.build(self.digits[:1], record.peer.asks[0], 1)[0]
        try:
            with running_server.running(
                record.peer, record.python, self.model, self.workers, first.raw
            ) as server:
                self._check(server, record)
                record.starts.append(server.seconds)
                for ask in record.peer.asks:
                    self._measure(server, record, ask)
                record.memory.append(server.memory())
        except (NotStarted, WrongAnswers) as problem:
            record.absent = str(problem)

    def _cases(self, ask: Ask) -> Iterator[Case]:
        for images in ask.images:
            for connections in self.connections if images == 1 else [CONNECTIONS_FOR_MANY]:
                yield Case(ask.body, images, connections)

    def _measure(self, server: Server, record: Record, ask: Ask) -> None:
        warm = self._requests(ask, ask.images[0])
        wrk.run(server.port, warm, 32, 1)
        for case in self._cases(ask):
            raw = self._requests(ask, case.images)
            before = server.computed()
            figures = wrk.run(server.port, raw, case.connections, self.seconds)
            record.loads.setdefault(case, []).append(figures)
            used = server.computed() - before
            record.cost.setdefault(case, []).append(1e6 * used / max(1, figures.answers))

    def _requests(self, ask: Ask, images: int) -> list[bytes]:
        return [one.raw for one in http_requests.build(self.digits, ask, images)]

    def _check(self, server: Server, record: Record) -> None:
        """Compare all answers with the bare model's; in the first round alone."""
        if not record.peer.answers or record.difference is not None:
            return
        differences = [
            self._difference(server, one)
            for ask in record.peer.asks
            for images in ask.images
            for one in http_requests.build(self.digits, ask, images)
        ]
        record.difference = max(differences)

    def _difference(self, server: Server, request: Request) -> float:
        status, body = http_requests.send(server.port, request.raw, 60)
        if status != 200:
            raise WrongAnswers(f"it answered {status}: {body[:200]!r}")
        got = http_requests.probabilities(body)
        expected = self.bare.probabilities[list(request.indices)]
        if got.shape != expected.shape or (got.argmax(1) != expected.argmax(1)).any():
            raise WrongAnswers("its classes are not those of the bare model")
        difference = float(np.abs(got - expected).max())
        if difference > CLOSE:
            raise WrongAnswers(f"its probabilities differ by {difference:.2g} from the model's")
        return difference
