"""A version's folder becomes a verified model that answers without blocking the event loop."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import BadToken, ModelError, NotFound, NotReady, WrongKind
from service.images import tokens
from service.manifest import Layer, Manifest
from service.models.batching import Batcher
from service.models.drift import InputMonitor
from service.models.folder import read_manifest
from service.models.litert import PIECE, Network
from service.models.saved_model import SavedModel
from service.observability import metrics
from service.settings import Settings
from service.workers.gc_freeze import collect

GOLDEN_TOLERANCE = 1e-4
"""Largest difference between a probability and the manifest's golden one."""

INLINE_SECONDS = 0.005
"""A batch that takes no longer than this is computed on the event loop."""

Activations = Mapping[str, NDArray[np.float32]]

logger = logging.getLogger("convlens")


class Model:
    """One loaded version: its manifest, its network, and methods that never block the loop."""

    def __init__(self, folder: Path, executor: Executor, settings: Settings) -> None:
        """Load and verify the model in `folder`; raises ModelError."""
        self.manifest = read_manifest(folder)
        self.network = Network(folder, self.manifest.input_shape, settings.threads)
        last, count = self.manifest.layers[-1].name, len(self.manifest.labels)
        _prove(self.manifest, lambda images: self.network.classify(images)[:, :count])
        _prove(self.manifest, lambda images: self.network.activations(images)[last])
        inline = int(INLINE_SECONDS / self.network.seconds())
        self._is_quick = inline >= PIECE
        self.batcher = Batcher(self._classify, executor, settings.queue, inline)
        self._monitor = InputMonitor(self.manifest, self.network.activations, executor)
        metrics.SOURCES.add(self)
        self._executor = executor
        self._cached: OrderedDict[bytes, asyncio.Future[Activations]] = OrderedDict()
        self._cache_size = settings.cache
        self._folder, self._threads = folder, settings.threads
        self._saved: asyncio.Future[SavedModel] | None = None

    def _classify(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = self.network.classify(images)
        self._monitor.observe(images, rows)
        return rows

    def flush(self) -> None:
        """Write the metrics that were gathered since the last call."""
        self._monitor.flush(self.batcher.waiting)

    async def activations(self, pixels: NDArray[np.uint8]) -> Activations:
        """Every layer's output for one uint8 input (h, w, c): float32 by name, without batch axis.

        One forward pass computes all layers; the last `cache` images are kept. The names are those
        of `Network.activations`.
        """
        key = pixels.tobytes()
        if (outputs := self._cached.get(key)) is None:
            outputs = self._forward(pixels)
            self._cached[key] = outputs
            while len(self._cached) > self._cache_size:
                self._cached.popitem(last=False)
        self._cached.move_to_end(key)
        try:
            # Shielded: other callers may wait for the same pass when this one is cancelled.
            return await asyncio.shield(outputs)
        except Exception:
            self._cached.pop(key, None)
            raise

    def _forward(self, pixels: NDArray[np.uint8]) -> asyncio.Future[Activations]:
        loop = asyncio.get_running_loop()
        if not self._is_quick:
            return loop.run_in_executor(self._executor, self._compute_activations, pixels)
        # Handing it to another thread and back would take longer.
        done: asyncio.Future[Activations] = loop.create_future()
        done.set_result(self._compute_activations(pixels))
        return done

    def _compute_activations(self, pixels: NDArray[np.uint8]) -> Activations:
        outputs = self.network.activations(pixels[np.newaxis])
        return {name: values[0] for name, values in outputs.items()}

    async def outputs(self, images: NDArray[np.uint8]) -> Activations:
        """Every layer's output, float32 (n, …), for uint8 inputs (n, h, w, c); not cached."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.network.activations, images)

    async def grad_cam(
        self, pixels: NDArray[np.uint8], indices: Sequence[int]
    ) -> NDArray[np.float32]:
        """The heatmap of every class of `indices` for one uint8 input: float32 (classes, h', w').

        The first call loads TensorFlow and the SavedModel on a thread while other requests are
        answered. Raises WrongKind for a network without convolutions, and NotReady when the
        SavedModel does not reproduce the golden outputs.
        """
        if not self.manifest.convolutions:
            raise WrongKind(f"{self.manifest.name} has no convolution to explain by Grad-CAM.")
        saved = await self._saved_model()
        images = np.repeat(pixels[np.newaxis], len(indices), axis=0)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, saved.grad_cam, images, np.array(indices, np.int32)
        )

    async def _saved_model(self) -> SavedModel:
        """The SavedModel, loaded once; a cancelled caller does not cancel the loading."""
        if self._saved is None:
            self._saved = asyncio.ensure_future(asyncio.to_thread(self._load_saved_model))
        try:
            return await asyncio.shield(self._saved)
        except ModelError as problem:
            self._saved = None
            logger.error("No gradients. %s", problem)
            raise NotReady(f"{problem}. All but Grad-CAM is answered.") from problem

    def _load_saved_model(self) -> SavedModel:
        if read_manifest(self._folder) != self.manifest:
            raise ModelError(f"{self._folder} has become another model")
        saved = SavedModel(self._folder, self._threads)
        _prove(self.manifest, saved.probabilities)
        collect()
        return saved

    async def ablated(
        self, images: NDArray[np.uint8], masks: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The probabilities, float32 (n, classes), with every convolution's maps times `masks`.

        See `Network.ablation` for the order of `masks`, float32 (maps,).
        """
        loop = asyncio.get_running_loop()
        outputs = await loop.run_in_executor(self._executor, self.network.ablation, images, masks)
        return outputs["probabilities"]

    def layer(self, name: str) -> Layer:
        """The layer called `name`; raises NotFound, which lists those that exist."""
        for layer in self.manifest.layers:
            if layer.name == name:
                return layer
        raise NotFound("layer", name, (layer.name for layer in self.manifest.layers))


def _prove(manifest: Manifest, compute: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
    """Hold `compute` to the manifest's golden outputs, which warms it up; or ModelError."""
    place = f"{manifest.name} version {manifest.version}"
    try:
        images = np.stack(
            [tokens.decode(one.image, manifest.input_shape) for one in manifest.golden]
        )
        outputs = compute(images)
    except BadToken as problem:
        raise ModelError(f"{place}: a golden input cannot be read: {problem}") from problem
    except Exception as problem:  # Native kernels raise many kinds of errors.
        raise ModelError(f"{place} cannot compute its golden inputs: {problem}") from problem
    expected = np.array([golden.probabilities for golden in manifest.golden])
    if outputs.shape != expected.shape:
        raise ModelError(f"{place} answers {outputs.shape}, its manifest says {expected.shape}")
    # Negated, so that NaN is refused too.
    if not np.abs(outputs - expected).max() <= GOLDEN_TOLERANCE:
        raise ModelError(f"{place} does not reproduce its golden outputs")
