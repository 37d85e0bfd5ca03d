"""All versions of all models under one folder, by name and version."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service.errors import ModelError, NotFound, NotReady
from service.models.folder import find, newest
from service.models.model import Model
from service.observability import metrics
from service.settings import Settings

logger = logging.getLogger("convlens")


class Models:
    """Every loaded version of every model. One thread loads them and computes large batches."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._loaded: dict[str, dict[int, Model]] = {}
        self._not_ready: str | None = "The models are still being loaded."

    async def load(self) -> None:
        """Load every folder; a refused one is logged with the reason and left out."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._load)
        except Exception as problem:  # A worker that raised here would be restarted for ever.
            logger.exception("The models could not be loaded.")
            self._not_ready = f"The models could not be loaded: {problem}"
            return
        self.swap(self._loaded)
        if self._not_ready is not None:
            logger.error("Not ready. %s", self._not_ready)

    @property
    def loaded(self) -> Mapping[str, Mapping[int, Model]]:
        """The loaded models by name and version."""
        return self._loaded

    def make(self, folder: Path) -> Model:
        """Load and verify the model in `folder` on the caller's thread; raises ModelError."""
        return Model(folder, self._executor, self._settings)

    def swap(self, loaded: Mapping[str, Mapping[int, Model]]) -> None:
        """Serve `loaded` from now on; requests under way keep the model that they have."""
        for name, versions in self._loaded.items():
            for version in versions:
                metrics.MODELS.labels(name, version).set(0)
        self._loaded = {name: dict(versions) for name, versions in loaded.items() if versions}
        for name, versions in self._loaded.items():
            for version in versions:
                metrics.MODELS.labels(name, version).set(1)
        default = self._settings.default_model
        self._not_ready = None
        if default not in self._loaded:
            known = ", ".join(self._loaded) or "none"
            self._not_ready = f"The default model {default!r} was not loaded; there is: {known}."

    def close(self) -> None:
        """Stop the thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def get(self, name: str | None = None, version: int | None = None) -> Model:
        """The model `name`, or the default one; its version `version`, or the newest.

        Raises NotReady until the default model is loaded, then NotFound with the names that exist.
        """
        if self._not_ready is not None:
            raise NotReady(f"{self._not_ready} Send this again later.")
        wanted = name or self._settings.default_model
        if wanted not in self._loaded:
            raise NotFound("model", wanted, self._loaded)
        versions = self._loaded[wanted]
        chosen = max(versions) if version is None else version
        if chosen not in versions:
            raise NotFound(f"version of {wanted}", chosen, versions)
        return versions[chosen]

    def newest(self) -> list[Model]:
        """The newest version of every model, sorted by name."""
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
