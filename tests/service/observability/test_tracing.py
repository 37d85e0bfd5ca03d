"""A traced request is a span of its caller's trace, with a child span for each stage."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.app import create_app
from service.observability import metrics, tracing
from service.settings import Settings
from tests.pictures import save, seven

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def traced(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[TestClient, InMemorySpanExporter]]:
    for stage in (metrics.DECODE, metrics.ENCODE):  # Restored afterwards.
        monkeypatch.setattr(stage, "observe", stage.observe)
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing, "exporter", lambda: provider)
    with TestClient(create_app(settings.model_copy(update={"traces": True}))) as client:
        yield client, kept


def test_stages_are_children_of_the_request(
    traced: tuple[TestClient, InMemorySpanExporter],
) -> None:
    client, kept = traced
    answer = client.post("/predict", content=save(seven()), headers={"traceparent": PARENT})
    assert answer.status_code == 200
    spans = kept.get_finished_spans()
    assert [span.name for span in spans] == ["decode", "queue", "model", "encode", "POST /predict"]
    *stages, request = spans
    assert request.parent is not None
    assert f"{request.parent.trace_id:032x}-{request.parent.span_id:016x}" in PARENT
    assert answer.headers["x-request-id"] == f"{request.parent.trace_id:032x}"
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    for before, after in pairwise(stages):
        assert before.end_time is not None
        assert after.start_time is not None
        assert before.end_time <= after.start_time + 1000  # To the microsecond.
    for stage in stages:
        assert stage.context is not None
        assert request.context is not None
        assert stage.parent is not None
        assert stage.parent.span_id == request.context.span_id


def test_nothing_is_recorded_without_tracing(client: TestClient) -> None:
    assert not tracing.is_wanted()
    tracing.record("decode", 0, 1)
    assert client.post("/predict", content=save(seven())).status_code == 200
