"""What a model is sent and what becomes of it, as numbers for Prometheus beside its manifest's.

How many images are unlike those that it was trained on; and, on one image now and then, which of
its maps are dead, for a map that wakes or dies says that the images have changed.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future

import numpy as np
from numpy.typing import NDArray

from service.manifest import Manifest, MapStatistics
from service.observability import metrics

UNFAMILIAR = 0.5
SAMPLE_SECONDS = 5.0
WINDOW = 32
"""Images over which maps are judged."""

Images = NDArray[np.uint8]
Rows = NDArray[np.float32]
Activations = Mapping[str, NDArray[np.float32]]


class Traffic:
    """Counts the images of one model; `activations` is asked for one of them every few seconds."""

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
            name: Drift(recorded, (*self._labels, name))
            for name, recorded in manifest.statistics.items()
        }

    def see(self, images: Images, rows: Rows) -> None:
        """Take note of a batch and of its answers."""
        self._images += len(rows)
        if self._has_score:
            self._unfamiliar += int(np.count_nonzero(rows[:, -1] > UNFAMILIAR))
        if self.drift and (now := time.monotonic()) > self._next:
            self._next = now + SAMPLE_SECONDS
            pass_ = self._executor.submit(self._activations, images[:1].copy())
            pass_.add_done_callback(self._compare)

    def flush(self, waiting: int) -> None:
        """Write down what has been seen, and that `waiting` images wait for the model."""
        metrics.QUEUED.labels(*self._labels).set(waiting)
        if not self._images:
            return
        metrics.IMAGES.labels(*self._labels).inc(self._images)
        if self._has_score:
            metrics.UNFAMILIAR.labels(*self._labels).inc(self._unfamiliar)
        self._images = self._unfamiliar = 0

    def _compare(self, computed: "Future[Activations]") -> None:
        if computed.cancelled() or computed.exception() is not None:
            return  # Whoever sends such an image is told.
        outputs = computed.result()
        for name, drift in self.drift.items():
            drift.see(outputs[name][0])


class Drift:
    """The maps of one layer over the last images, beside those over the test set."""

    def __init__(self, recorded: MapStatistics, labels: tuple[str, ...]) -> None:
        self._expected = np.array(recorded.zeros)
        self._zeros = np.zeros(len(self._expected))
        self._seen = 0
        self._labels = labels

    def see(self, maps: NDArray[np.float32]) -> None:
        """Add the maps (h, w, maps) of one image; every `WINDOW` images the numbers are renewed."""
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
