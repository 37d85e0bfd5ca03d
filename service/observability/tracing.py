"""Requests and their stages become OpenTelemetry spans, if the setting `traces` is on.

Needs `pip install convlens[otel]`. OpenTelemetry's own environment variables, such as
`OTEL_EXPORTER_OTLP_ENDPOINT`, say where spans are sent. A request's `traceparent` is the parent.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observability import access_log, metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Stages = list[tuple[str, float, float]]
"""Name, start and end of each, in seconds on the clock of `time.perf_counter`."""

_stages: ContextVar[Stages | None] = ContextVar("stages", default=None)


class TracingMiddleware:
    """A span for each request to `app`, with a child span for each of its stages."""

    def __init__(self, app: ASGIApp, provider: trace.TracerProvider) -> None:
        self._app = app
        self._tracer = provider.get_tracer("convlens")
        self._propagator = TraceContextTextMapPropagator()
        metrics.DECODE.observe = _recording("decode", metrics.DECODE.observe)
        metrics.ENCODE.observe = _recording("encode", metrics.ENCODE.observe)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        carrier = {name.decode("latin-1"): one.decode("latin-1") for name, one in scope["headers"]}
        span = self._tracer.start_span(
            scope["method"],
            self._propagator.extract(carrier),
            trace.SpanKind.SERVER,
            {"http.request.method": scope["method"]},
        )
        stages: Stages = []
        token = _stages.set(stages)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
            await send(message)

        try:
            with trace.use_span(span, end_on_exit=False):
                await self._app(scope, receive, sent)
        finally:
            _stages.reset(token)
            route = access_log.route_of(scope)
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)
            self._end(span, stages)

    def _end(self, span: trace.Span, stages: Stages) -> None:
        """End `span`, with a child for each stage, the earliest first."""
        ago = time.time_ns() - int(time.perf_counter() * 1e9)
        within = trace.set_span_in_context(span)
        for name, began, ended in sorted(stages, key=lambda one: one[1]):
            stage = self._tracer.start_span(name, within, start_time=ago + int(began * 1e9))
            stage.end(ago + int(ended * 1e9))
        span.end()


def exporter() -> "TracerProvider":
    """A provider that sends spans to a collector in batches; ImportError without `otel`."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "convlens"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def is_wanted() -> bool:
    """Whether the request of the current task is traced."""
    return _stages.get() is not None


def record(name: str, began: float, ended: float) -> None:
    """Add a stage to the request of the current context, if it is traced; perf_counter seconds."""
    if (stages := _stages.get()) is not None:
        stages.append((name, began, ended))


def _recording(name: str, observe: Callable[[float], None]) -> Callable[[float], None]:
    def observed(seconds: float) -> None:
        now = time.perf_counter()
        record(name, now - seconds, now)
        observe(seconds)

    return observed
