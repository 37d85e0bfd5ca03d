"""What is counted and timed, for Prometheus; with several workers, all of theirs in one answer."""

import os
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

MEDIA_TYPE = CONTENT_TYPE_LATEST
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client finds the files of all workers."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "convlens_requests", "Requests answered, by route and status.", ("method", "route", "status")
)
SECONDS = Histogram(
    "convlens_request_seconds", "Time to answer, by route.", ("route",), buckets=_SECONDS
)
IN_PROGRESS = Gauge(
    "convlens_requests_in_progress", "Requests being answered.", multiprocess_mode="livesum"
)
REFUSALS = Counter("convlens_refusals", "Problems answered, by reason.", ("reason",))
BATCHES = Histogram(
    "convlens_batch_images", "Images computed together.", buckets=(1, 2, 4, 8, 16, 32, 64)
)
QUEUED = Gauge(
    "convlens_queued_images",
    "Images that waited when a request was last refused for it.",
    multiprocess_mode="livemax",
)
MODELS = Gauge(
    "convlens_model_loaded",
    "Workers that serve this version.",
    ("model", "version"),
    multiprocess_mode="livesum",
)


def exposition() -> bytes:
    """All numbers as Prometheus reads them: of every worker where there are several."""
    if (folder := os.environ.get(FOLDER)) is None:
        return generate_latest(REGISTRY)
    _forget_the_dead(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """A worker that was killed is serving nothing any more, and its gauges must not say so."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]
