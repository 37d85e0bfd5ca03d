"""A folder of models becomes loaded models by name and version, each proved before it serves."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from service.errors import BadToken, ModelError, NotFound, NotReady, WrongKind
from service.images import tokens
from service.manifest import Layer, Manifest, digest
from service.models.batching import Batcher
from service.models.drift import Traffic
from service.models.litert import PIECE, Network
from service.models.saved_model import SavedModel
from service.observability import metrics
from service.routes import links
from service.settings import Settings
from service.workers.gc_freeze import collect

GOLDEN_TOLERANCE = 1e-4

# A batch that takes no longer than this, in seconds, is computed on the event loop.
INLINE = 0.005

Activations = Mapping[str, NDArray[np.float32]]

logger = logging.getLogger("convlens")


class Model:
    """One loaded version: its manifest, its network, and the ways to ask it without blocking."""

    def __init__(self, folder: Path, executor: Executor, settings: Settings) -> None:
        """Load and prove the model in `folder`; ModelError says what is wrong with it."""
        self.manifest = read_manifest(folder)
        self.network = Network(folder, self.manifest.input_shape, settings.threads)
        last, count = self.manifest.layers[-1].name, len(self.manifest.labels)
        _prove(self.manifest, lambda images: self.network.classify(images)[:, :count])
        _prove(self.manifest, lambda images: self.network.activations(images)[last])
        inline = int(INLINE / self.network.seconds())
        self._is_quick = inline >= PIECE
        self.batcher = Batcher(self._classify, executor, settings.queue, inline)
        self._traffic = Traffic(self.manifest, self.network.activations, executor)
        metrics.SOURCES.add(self)
        self.links = links.for_images(self.manifest)
        self._executor = executor
        self._kept: OrderedDict[bytes, asyncio.Future[Activations]] = OrderedDict()
        self._most_kept = settings.cache
        self._folder, self._threads = folder, settings.threads
        self._saved: asyncio.Future[SavedModel] | None = None

    def _classify(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = self.network.classify(images)
        self._traffic.see(images, rows)
        return rows

    def flush(self) -> None:
        """Write down what has been gathered on the images that came."""
        self._traffic.flush(self.batcher.waiting)

    async def activations(self, pixels: NDArray[np.uint8]) -> Activations:
        """Every layer's output for one input (h, w, c), without the batch axis.

        One forward pass an image fills all layers; the last images asked for are kept.
        """
        key = pixels.tobytes()
        if (kept := self._kept.get(key)) is None:
            kept = self._forward(pixels)
            self._kept[key] = kept
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        try:
            # Shielded: a caller that leaves must not spoil the pass for those who wait as well.
            return await asyncio.shield(kept)
        except Exception:
            self._kept.pop(key, None)
            raise

    def _forward(self, pixels: NDArray[np.uint8]) -> asyncio.Future[Activations]:
        loop = asyncio.get_running_loop()
        if not self._is_quick:
            return loop.run_in_executor(self._executor, self._inside, pixels)
        # The hop to another thread and back would take longer.
        done: asyncio.Future[Activations] = loop.create_future()
        done.set_result(self._inside(pixels))
        return done

    def _inside(self, pixels: NDArray[np.uint8]) -> Activations:
        outputs = self.network.activations(pixels[np.newaxis])
        return {name: values[0] for name, values in outputs.items()}

    async def outputs(self, images: NDArray[np.uint8]) -> Activations:
        """Every layer's output (n, …) for inputs (n, h, w, c), in one pass; nothing is kept."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.network.activations, images)

    async def grad_cam(
        self, pixels: NDArray[np.uint8], indices: Sequence[int]
    ) -> NDArray[np.float32]:
        """Why each class of `indices`, for one input (h, w, c): heatmaps (classes, h', w').

        The first call loads TensorFlow and the SavedModel, beside what else is answered. Raises
        NotReady when that is not what the manifest promises.
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
        """The SavedModel, loaded once; a caller that leaves does not end that for the others."""
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
        """The probabilities (n, classes) with the convolutions' maps multiplied by `masks`."""
        loop = asyncio.get_running_loop()
        outputs = await loop.run_in_executor(self._executor, self.network.ablation, images, masks)
        return outputs["probabilities"]

    def layer(self, name: str) -> Layer:
        """The layer called `name`; NotFound lists those that exist."""
        for layer in self.manifest.layers:
            if layer.name == name:
                return layer
        raise NotFound("layer", name, (layer.name for layer in self.manifest.layers))


class Models:
    """All versions of all models under one folder, loaded by one thread that owns them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._loaded: dict[str, dict[int, Model]] = {}
        self._hindrance: str | None = "The models are still being loaded."

    async def load(self) -> None:
        """Load every folder; one that is refused is logged with its sentence and left out."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._load)
        except Exception as problem:  # A worker that raised here would be started for ever.
            logger.exception("The models could not be loaded.")
            self._hindrance = f"The models could not be loaded: {problem}"
            return
        self.swap(self._loaded)
        if self._hindrance is not None:
            logger.error("Not ready. %s", self._hindrance)

    @property
    def loaded(self) -> Mapping[str, Mapping[int, Model]]:
        """Every version of every model."""
        return self._loaded

    def make(self, folder: Path) -> Model:
        """Load and prove the model in `folder`, on the caller's thread, or raise ModelError."""
        return Model(folder, self._executor, self._settings)

    def swap(self, loaded: Mapping[str, Mapping[int, Model]]) -> None:
        """Let `loaded` answer from now on; a request that has its model keeps it to its end."""
        for name, versions in self._loaded.items():
            for version in versions:
                metrics.MODELS.labels(name, version).set(0)
        self._loaded = {name: dict(versions) for name, versions in loaded.items() if versions}
        for name, versions in self._loaded.items():
            for version in versions:
                metrics.MODELS.labels(name, version).set(1)
        default = self._settings.default_model
        self._hindrance = None
        if default not in self._loaded:
            known = ", ".join(self._loaded) or "none"
            self._hindrance = f"The default model {default!r} was not loaded; there is: {known}."

    def close(self) -> None:
        """Let the thread go."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def get(self, name: str | None = None, version: int | None = None) -> Model:
        """The newest version of the default model, or what `name` and `version` say.

        Raises NotReady until the default model is loaded; after that NotFound, with the names that
        exist.
        """
        if self._hindrance is not None:
            raise NotReady(f"{self._hindrance} Send this again later.")
        wanted = name or self._settings.default_model
        if wanted not in self._loaded:
            raise NotFound("model", wanted, self._loaded)
        versions = self._loaded[wanted]
        chosen = max(versions) if version is None else version
        if chosen not in versions:
            raise NotFound(f"version of {wanted}", chosen, versions)
        return versions[chosen]

    def newest(self) -> list[Model]:
        """The newest version of every model, by name."""
        return [versions[max(versions)] for _, versions in sorted(self._loaded.items())]

    def versions(self, name: str) -> list[int]:
        """The loaded versions of model `name`, oldest first."""
        return sorted(self._loaded[name])

    def _load(self) -> None:
        for folder in newest(find(self._settings.models), self._settings.versions):
            try:
                model = self.make(folder)
            except ModelError as problem:
                logger.error("Refused a model. %s", problem)
                continue
            self._loaded.setdefault(model.manifest.name, {})[model.manifest.version] = model


def find(models: Path) -> list[Path]:
    """The folders <name>/<version>/ under `models`, by name and then by version.

    Raises ModelError when there is no such folder.
    """
    if not models.is_dir():
        raise ModelError(
            f"There is no models folder {models}. Start where it is, or name it with --models."
        )
    return sorted(_version_folders(models), key=lambda one: (one.parent.name, int(one.name)))


def newest(folders: Iterable[Path], most: int) -> list[Path]:
    """Of the folders <name>/<version>/, the `most` highest versions of every name."""
    by_name: dict[str, list[Path]] = {}
    for folder in sorted(folders, key=lambda one: int(one.name)):
        by_name.setdefault(folder.parent.name, []).append(folder)
    return [folder for versions in by_name.values() for folder in versions[-most:]]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`, checked against its place and its weights; else ModelError."""
    try:
        manifest = Manifest.read(folder)
        found = digest(folder)
    except OSError as problem:
        raise ModelError(f"{folder} is incomplete: {problem}") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "its whole"
        raise ModelError(f"{folder}/manifest.json: {place}: {first['msg']}") from problem
    place_says = (folder.parent.name, folder.name)
    if (manifest.name, str(manifest.version)) != place_says:
        raise ModelError(f"{folder} holds {manifest.name} version {manifest.version}")
    if found != manifest.digest:
        raise ModelError(f"{folder}: the files are not those that the manifest was written for")
    return manifest


def _version_folders(models: Path) -> Iterable[Path]:
    for name in models.iterdir():
        if name.is_dir() and not name.name.startswith("."):
            yield from (one for one in name.iterdir() if one.is_dir() and one.name.isdecimal())


def _prove(manifest: Manifest, compute: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
    """What computes must give what the manifest promises, or ModelError; this warms it as well."""
    place = f"{manifest.name} version {manifest.version}"
    try:
        images = np.stack(
            [tokens.decode(one.image, manifest.input_shape) for one in manifest.golden]
        )
        outputs = compute(images)
    except BadToken as problem:
        raise ModelError(f"{place}: a golden input cannot be read: {problem}") from problem
    except Exception as problem:  # Native code raises whatever its kernels raise.
        raise ModelError(f"{place} cannot compute its golden inputs: {problem}") from problem
    expected = np.array([golden.probabilities for golden in manifest.golden])
    if outputs.shape != expected.shape:
        raise ModelError(f"{place} answers {outputs.shape}, its manifest says {expected.shape}")
    # Written so that NaN fails it.
    if not np.abs(outputs - expected).max() <= GOLDEN_TOLERANCE:
        raise ModelError(f"{place} does not reproduce its golden outputs")
