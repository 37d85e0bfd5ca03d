"""Starts one server at a time, compares its answers with the bare model's, and measures it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.harness import http_requests, running_server, wrk
from benchmarks.harness.http_requests import Request
from benchmarks.harness.peers import Endpoint, Peer
from benchmarks.harness.request_bodies import Pixels
from benchmarks.harness.running_server import NotStarted, Server
from benchmarks.harness.wrk import Load
from benchmarks.servers.bare_model import Bare

CONNECTIONS_FOR_MANY = 4
"""Connections where a request has many images: enough to keep two cores busy."""

MANY = 64
CLOSE = 2e-3
"""Largest allowed difference of a probability: some servers round, or compute in float16."""


class WrongAnswers(Exception):
    """A server's answers differ from the bare model's."""


@dataclass(frozen=True, slots=True)
class Case:
    """One figure to measure: kind of body, images in a request, number of connections."""

    body: str
    images: int
    connections: int


@dataclass(slots=True)
class Record:
    """The figures of one peer, one list item a round; `absent` says why there are none.

    `cost` is the CPU time of all its processes for one answer in µs, `starts` are in s, `memory` is
    the PSS in MB after the load, `difference` the largest one from the bare model's probabilities.
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
    """What is done with every server in a round."""

    model: Path
    digits: Pixels
    bare: Bare
    workers: int
    connections: Sequence[int]
    seconds: float

    def run(self, record: Record) -> None:
        """Measures one server once; adds the figures, or why there are none, to `record`."""
        first = http_requests.build(self.digits[:1], record.peer.endpoints[0], 1)[0]
        try:
            with running_server.running(
                record.peer, record.python, self.model, self.workers, first.raw
            ) as server:
                self._check(server, record)
                record.starts.append(server.seconds)
                for endpoint in record.peer.endpoints:
                    self._measure(server, record, endpoint)
                record.memory.append(server.memory())
        except (NotStarted, WrongAnswers) as problem:
            record.absent = str(problem)

    def _cases(self, endpoint: Endpoint) -> Iterator[Case]:
        for images in endpoint.images:
            for connections in self.connections if images == 1 else [CONNECTIONS_FOR_MANY]:
                yield Case(endpoint.body, images, connections)

    def _measure(self, server: Server, record: Record, endpoint: Endpoint) -> None:
        warm = self._requests(endpoint, endpoint.images[0])
        wrk.run(server.port, warm, 32, 1)
        for case in self._cases(endpoint):
            raw = self._requests(endpoint, case.images)
            before = server.cpu_seconds()
            figures = wrk.run(server.port, raw, case.connections, self.seconds)
            record.loads.setdefault(case, []).append(figures)
            used = server.cpu_seconds() - before
            record.cost.setdefault(case, []).append(1e6 * used / max(1, figures.answers))

    def _requests(self, endpoint: Endpoint, images: int) -> list[bytes]:
        return [one.raw for one in http_requests.build(self.digits, endpoint, images)]

    def _check(self, server: Server, record: Record) -> None:
        """Compares all answers with the bare model's, in the first round only."""
        if not record.peer.answers or record.difference is not None:
            return
        differences = [
            self._difference(server, one)
            for endpoint in record.peer.endpoints
            for images in endpoint.images
            for one in http_requests.build(self.digits, endpoint, images)
        ]
        record.difference = max(differences)

    def _difference(self, server: Server, request: Request) -> float:
        status, body = http_requests.send(server.port, request.raw, 60)
        if status != 200:
            raise WrongAnswers(f"it answered {status}: {body[:200]!r}")
        got = http_requests.probabilities(body)
        expected = self.bare.probabilities[list(request.indices)]
        if got.shape != expected.shape or (got.argmax(1) != expected.argmax(1)).any():
            raise WrongAnswers("its classes differ from the bare model's")
        difference = float(np.abs(got - expected).max())
        if difference > CLOSE:
            raise WrongAnswers(f"its probabilities differ by {difference:.2g} from the model's")
        return difference
