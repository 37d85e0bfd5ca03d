"""A model's inputs and answers become drift metrics: how far they are from the test images.

Counted are images whose out-of-distribution score is high, and, on one image every few seconds,
feature maps that are zero everywhere: a map that dies or comes alive shows that the images have
changed since the manifest's statistics were taken.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future

import numpy as np
from numpy.typing import NDArray

from service.manifest import Manifest, MapStatistics
from service.observability import metrics

UNFAMILIAR = 0.5
"""An out-of-distribution score above this counts as unfamiliar."""
SAMPLE_SECONDS = 5.0
WINDOW = 32
"""Sampled images after which the metrics of the maps are renewed."""

Images = NDArray[np.uint8]
Rows = NDArray[np.float32]
Activations = Mapping[str, NDArray[np.float32]]


class InputMonitor:
    """Gathers the metrics of one model's inputs.

    `activations` computes every layer's output for one image every `SAMPLE_SECONDS`.
    """

    def __init__(
        self, manifest: Manifest, activations: Callable[[Images], Activations], executor: Executor
    ) -> None:
        self._activations = activations
        self._executor = executor
        self._has_score = manifest.metrics.unfamiliar is not None
        self._labels = (manifest.name, str(manifest.version))
        self._next = 0.0
        self._images = self._unfamiliar = 0
        self.drift = {
            name: MapDrift(recorded, (*self._labels, name))
            for name, recorded in manifest.statistics.items()
        }

    def observe(self, images: Images, rows: Rows) -> None:
        """Count a batch (n, h, w, c) and its answers (n, classes or one more)."""
        self._images += len(rows)
        if self._has_score:
            self._unfamiliar += int(np.count_nonzero(rows[:, -1] > UNFAMILIAR))
        if self.drift and (now := time.monotonic()) > self._next:
            self._next = now + SAMPLE_SECONDS
            pass_ = self._executor.submit(self._activations, images[:1].copy())
            pass_.add_done_callback(self._compare)

    def flush(self, waiting: int) -> None:
        """Write the counts to the metrics; `waiting` is the length of the model's queue."""
        metrics.QUEUED.labels(*self._labels).set(waiting)
        if not self._images:
            return
        metrics.IMAGES.labels(*self._labels).inc(self._images)
        if self._has_score:
            metrics.UNFAMILIAR.labels(*self._labels).inc(self._unfamiliar)
        self._images = self._unfamiliar = 0

    def _compare(self, computed: "Future[Activations]") -> None:
        if computed.cancelled() or computed.exception() is not None:
            # Only this sample is lost. A client that asks for the image's maps gets the error.
            return
        outputs = computed.result()
        for name, drift in self.drift.items():
            drift.observe(outputs[name][0])


class MapDrift:
    """Compares the maps of one layer over the last images with those over the test images."""

    def __init__(self, recorded: MapStatistics, labels: tuple[str, ...]) -> None:
        self._expected = np.array(recorded.zeros)
        self._zeros = np.zeros(len(self._expected))
        self._seen = 0
        self._labels = labels

    def observe(self, maps: NDArray[np.float32]) -> None:
        """Add the maps (h, w, maps) of one image; sets the metrics every `WINDOW` images."""
        self._zeros += (maps == 0).mean(axis=tuple(range(maps.ndim - 1)))
        self._seen += 1
        if self._seen < WINDOW:
            return
        shares = self._zeros / self._seen
        dead, expected = shares == 1, self._expected == 1
        metrics.DEAD_MAPS.labels(*self._labels).set(int((dead & ~expected).sum()))
        metrics.WOKEN_MAPS.labels(*self._labels).set(int((expected & ~dead).sum()))
        metrics.MAP_DRIFT.labels(*self._labels).set(float(np.abs(shares - self._expected).mean()))
        self._zeros[:] = 0
        self._seen = 0
