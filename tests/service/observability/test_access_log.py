"""Metrics and one log line a request, with one process and with several."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import orjson
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from service.app import create_app
from service.observability.access_log import JsonFormatter
from service.settings import Settings
from tests.pictures import save, seven

LESSON = {"input": [[1]], "kernel": [[2]]}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def samples(text: str) -> dict[tuple[str, str], float]:
    """Every value by its name and labels."""
    return {
        (
            one.name,
            ",".join(f"{key}={value}" for key, value in sorted(one.labels.items())),
        ): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    def count(status: int, route: str, method: str) -> float:
        found = samples(client.get("/metrics").text)
        labels = f"method={method},route={route},status={status}"
        return found.get(("convlens_requests_total", labels), 0)

    before = count(200, "/lessons/convolution", "POST"), count(404, "/layers/{name}", "GET")
    client.post("/lessons/convolution", json=LESSON)
    for name in ("a", "b"):
        client.get(f"/layers/{name}")
    assert count(200, "/lessons/convolution", "POST") == before[0] + 1
    assert count(404, "/layers/{name}", "GET") == before[1] + 2


def test_metrics_of_models_times_and_refusals(client: TestClient) -> None:
    client.get("/nothing")
    found = samples(client.get("/metrics").text)
    assert found["convlens_model_loaded", "model=tiny-digit,version=1"] == 1
    assert found["convlens_requests_in_progress", ""] == 1
    assert found["convlens_refusals_total", "reason=Not Found"] >= 1
    assert found["convlens_request_seconds_count", "route=none"] >= 1


WORKER = """
import sys
from fastapi.testclient import TestClient
from service.app import create_app
from service.settings import Settings
from tests.pictures import save, seven
client = TestClient(create_app(Settings()))
for _ in range(int(sys.argv[1])):
    client.get("/samples")
if sys.argv[1] == "4":
    from service.observability import metrics
    metrics.IN_PROGRESS.inc(5)
    print(client.get("/metrics").text)
"""


def test_workers_count_together_and_gauges_of_killed_ones_are_dropped(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def work(count: str) -> str:
        command = [sys.executable, "-c", WORKER, count]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    work("3")
    # The gauge of a worker that was killed while requests were under way.
    (alive,) = tmp_path.glob("gauge_livesum_*.db")
    found = samples(work("4"))
    assert not alive.exists()
    assert found["convlens_requests_total", "method=GET,route=/samples,status=200"] == 7
    assert found["convlens_requests_in_progress", ""] == 6


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", True),
        (f"00-{TRACE}-00f067aa0ba902b7-01-more", False),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        ("<script>", False),
    ],
)
def test_answer_has_the_trace_id(client: TestClient, given: str, kept: bool) -> None:
    said = client.get("/livez", headers={"traceparent": given}).headers["x-request-id"]
    assert len(said) == 32
    assert (said == TRACE) is kept


Log = Literal["text", "json"]


def logged(caplog: pytest.LogCaptureFixture, form: Log, *addresses: str) -> list[str]:
    """The log lines of requests for `addresses`."""
    client = TestClient(create_app(Settings(log=form)))
    for address in addresses:
        client.get(address, headers={"traceparent": "no"})
    with caplog.at_level(logging.INFO, logger="convlens.access"):
        logging.getLogger("convlens").propagate = True
        logging.getLogger("convlens.access").propagate = True
        client.app.state.lifecycle.flush()  # type: ignore[attr-defined]
    records = [one for one in caplog.records if one.name == "convlens.access"]
    return "\n".join(one.getMessage() for one in records).splitlines()


def test_json_log_has_one_line_a_request(caplog: pytest.LogCaptureFixture) -> None:
    (text,) = logged(caplog, "json", f"/samples?image={'A' * 500}&b=%0a")
    line = orjson.loads(text)
    assert line["path"] == f"/samples?image={'A' * 12}…&b=%0a"
    assert (line["status"], line["route"], line["method"]) == (200, "/samples", "GET")
    assert len(line["trace_id"]) == 32


def test_text_log_has_one_line_a_request(caplog: pytest.LogCaptureFixture) -> None:
    lines = logged(caplog, "text", "/samples", f"/%0a%0d?image={'A' * 500}", "/nothing")
    assert len(lines) == 3
    assert lines[0].endswith('"GET /samples HTTP/1.1" 200')
    assert lines[1].endswith(f'"GET /%0a%0d?image={"A" * 12}… HTTP/1.1" 404')


def test_stages_of_a_prediction_are_timed(client: TestClient) -> None:
    def counts() -> dict[str, float]:
        found = samples(client.get("/metrics").text)
        return {
            stage: found["convlens_stage_seconds_count", f"stage={stage}"]
            for stage in ("decode", "queue", "model", "encode")
        }

    before = counts()
    assert client.post("/predict", content=save(seven())).status_code == 200
    assert counts() == {stage: count + 1 for stage, count in before.items()}
    found = samples(client.get("/metrics").text)
    buckets = [
        value
        for (name, labels), value in found.items()
        if name == "convlens_stage_seconds_bucket" and "stage=model" in labels
    ]
    assert max(buckets) == found["convlens_stage_seconds_count", "stage=model"]
    assert found["convlens_stage_seconds_sum", "stage=model"] > 0


def test_exceptions_are_one_json_line() -> None:
    try:
        raise RuntimeError("a\nb")
    except RuntimeError:
        record = logging.LogRecord("convlens", logging.ERROR, "", 0, "no", (), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "RuntimeError: a\nb" in orjson.loads(line)["exception"]
