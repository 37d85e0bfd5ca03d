"""The service on a Ray cluster of three nodes on loopback, one of which is killed under load."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
import yaml

from convlens import Client
from service.models.litert import Network
from service.settings import Settings

# Ray leaves some of its sockets and files to the collector, and says what it will change.
pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MISSING = "Ray is missing: pip install convlens[ray]"
ASKING = 6
NODES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


@dataclass
class Deployed:
    """A running cluster: its address, and the nodes that can be killed."""

    url: str
    cluster: Any
    nodes: list[Any]


@pytest.fixture(scope="module")
def deployed(tiny_models: Path) -> Iterator[Deployed]:
    """A head without a processor of its own, and two nodes with a replica each."""
    with pytest.MonkeyPatch.context() as patched:
        # Nothing is told to anybody, and a node is known to be dead within seconds.
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("RAY_health_check_period_ms", "500")
        patched.setenv("RAY_health_check_failure_threshold", "3")
        patched.setenv("CUDA_VISIBLE_DEVICES", "")
        yield from _deployed(tiny_models)


def _deployed(models: Path) -> Iterator[Deployed]:
    ray = pytest.importorskip("ray", reason=MISSING)
    from ray import serve
    from ray.cluster_utils import Cluster

    from convlens.ray import app

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"include_dashboard": False, "object_store_memory": 80 * 2**20}
    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=0, node_ip_address=NODES[0], **common)
        nodes = [cluster.add_node(num_cpus=1, node_ip_address=ip, **common) for ip in NODES[1:]]
        ray.init(
            address=cluster.address,
            _node_ip_address=NODES[0],
            log_to_driver=False,
            logging_level="error",
        )
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
        settings = Settings(models=models.resolve(), default_model="tiny-photo")
        serve.run(app(settings), name="convlens")
        yield Deployed(f"http://127.0.0.1:{port}", cluster, nodes)
    finally:
        ray.shutdown()
        cluster.shutdown()


class Watched(httpx.HTTPTransport):
    """Sends requests, and keeps what came of each that was not answered well."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = super().handle_request(request)
        except httpx.TransportError as problem:
            self.failures.append(repr(problem))
            raise
        if response.status_code != 200:
            self.failures.append(f"{response.status_code} {response.read()[:200]!r}")
        return response


class Load:
    """Threads that ask for pictures of their own, and compare each answer with a solo answer."""

    def __init__(self, url: str, folder: Path) -> None:
        self.answered = 0
        self.wrong: list[str] = []
        self.watched = Watched()
        self._solo = Network(folder, (12, 12, 3))
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._client = Client(url, transport=self.watched)
        self._threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(ASKING)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _ask(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        while not self._is_over.is_set():
            pixels = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            with self._lock:
                expected = self._solo.classify(pixels[np.newaxis])[0, :3]
            try:
                answer = self._client.predict(pixels)
            except Exception as problem:
                self.wrong.append(repr(problem))
                continue
            got = [answer.probabilities[name] for name in ("one", "two", "three")]
            if np.abs(np.array(got) - expected).max() > 1e-5:
                self.wrong.append(f"{got} instead of {expected}")
            self.answered += 1

    def wait(self, more: int) -> None:
        """Until `more` further requests were answered."""
        goal, end = self.answered + more, time.monotonic() + 60
        while self.answered < goal and not self.wrong:
            assert time.monotonic() < end, self.watched.failures
            time.sleep(0.01)

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._client.close()


def replicas() -> int:
    from ray import serve

    application = serve.status().applications["convlens"]
    states = application.deployments["convlens"].replica_states
    return int(states.get("RUNNING", 0))


def test_answers_are_those_of_the_service(deployed: Deployed) -> None:
    with httpx.Client(base_url=deployed.url) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        page = client.get("/")
        assert page.status_code == 200
        assert "content-security-policy" in page.headers, (dict(page.headers), page.text[:300])
        assert client.get("/layers/none").headers["content-type"] == "application/problem+json"


def test_killed_node_costs_only_what_it_was_answering(
    deployed: Deployed, tiny_models: Path
) -> None:
    load = Load(deployed.url, tiny_models / "tiny-photo" / "1")
    load.start()
    try:
        load.wait(100)
        assert replicas() == 2
        assert load.watched.failures == []
        deployed.cluster.remove_node(deployed.nodes.pop(), allow_graceful=False)
        load.wait(100)
    finally:
        load.stop()
    assert load.wrong == []
    assert len(load.watched.failures) <= ASKING


def test_configuration_names_the_application() -> None:
    pytest.importorskip("ray", reason=MISSING)
    from ray.serve.schema import ServeDeploySchema

    from convlens.ray import app

    text = (Path(__file__).parents[2] / "deploy" / "ray" / "convlens.yaml").read_text()
    config = ServeDeploySchema.model_validate(yaml.safe_load(text))
    (one,) = config.applications
    assert one.import_path == f"{app.__module__}:{app.__name__}"
    settings = Settings(**one.args)
    assert config.http_options.request_timeout_s > settings.deadline_seconds
