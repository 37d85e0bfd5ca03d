"""Counters, gauges and histograms for Prometheus; one exposition covers all workers."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

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
"""The environment variable by which prometheus_client finds the files of all workers."""

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
STAGES = Histogram(
    "convlens_stage_seconds", "Time of one stage of `POST /predict`.", ("stage",), buckets=_SECONDS
)
QUEUED = Gauge(
    "convlens_queued_images",
    "Images that wait for a model.",
    ("model", "version"),
    multiprocess_mode="livesum",
)
IMAGES = Counter("convlens_images", "Images classified.", ("model", "version"))
UNFAMILIAR = Counter(
    "convlens_unfamiliar_images",
    "Images classified that are unlike those of the training: a score above 0.5.",
    ("model", "version"),
)
_LAYER = ("model", "version", "layer")
DEAD_MAPS = Gauge(
    "convlens_dead_maps",
    "Maps that were 0 on all of the last 32 sampled images, and alive on the test set.",
    _LAYER,
    multiprocess_mode="livemax",
)
WOKEN_MAPS = Gauge(
    "convlens_woken_maps",
    "Maps that were alive on the last 32 sampled images, and dead on the test set.",
    _LAYER,
    multiprocess_mode="livemax",
)
MAP_DRIFT = Gauge(
    "convlens_map_drift",
    "Mean difference of a map's share of zeros, last 32 sampled images from the test set.",
    _LAYER,
    multiprocess_mode="livemax",
)
MODELS = Gauge(
    "convlens_model_loaded",
    "Workers that serve this version.",
    ("model", "version"),
    multiprocess_mode="livesum",
)


class Stage:
    """One stage of `POST /predict`; `observe` records its seconds and is wrapped by tracing."""

    def __init__(self, name: str) -> None:
        self.observe: Callable[[float], None] = STAGES.labels(name).observe


DECODE, QUEUE, MODEL, ENCODE = (Stage(name) for name in ("decode", "queue", "model", "encode"))


class Source(Protocol):
    """An object that gathers figures and writes them into metrics when it is flushed."""

    def flush(self) -> None: ...


SOURCES: WeakSet[Source] = WeakSet()


def flush() -> None:
    """Write what this process has gathered: any worker may be asked for the metrics of all."""
    for source in list(SOURCES):
        source.flush()


def exposition() -> bytes:
    """All metrics in Prometheus' text format, of every worker if there are several."""
    flush()
    if (folder := os.environ.get(FOLDER)) is None:
        return generate_latest(REGISTRY)
    _forget_dead_workers(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_dead_workers(folder: Path) -> None:
    """Delete the live gauges of workers that were killed, which no longer serve anything.

    Relies on prometheus_client's file names, `gauge_live…_PID.db`.
    """
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]
