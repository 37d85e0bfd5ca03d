"""A folder of models that changes becomes other loaded models, without a request that fails.

It is looked at, not listened to: a network mount tells nobody of its changes.
"""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from service.errors import ModelError
from service.models.folder import find, newest
from service.models.model import Model
from service.models.registry import Models
from service.settings import Settings
from service.workers.gc_freeze import collect

logger = logging.getLogger("convlens")

Trace = tuple[tuple[str, int, int], ...]
"""Path, time of change and size of every file of a folder."""


class Watcher:
    """Loads and proves what is new, beside what serves, and swaps when it is sound."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings
        self._seen: dict[Path, Trace] = _traces(settings)
        self._refused: dict[Path, str] = {}
        self._looking = asyncio.Lock()

    async def run(self) -> None:
        """Look every few seconds, for as long as the service runs."""
        if not self._settings.watch_seconds:
            return
        while True:
            await asyncio.sleep(self._settings.watch_seconds)
            try:
                await self.look()
            except Exception:  # A mount that is away today must not end the watch.
                logger.exception("The models folder could not be looked at; what serves goes on.")

    async def look(self) -> list[str]:
        """Take up what has changed; the sentences on what is refused at present."""
        async with self._looking:
            loaded = await asyncio.to_thread(self._changed)
            if loaded is not None:
                self._models.swap(loaded)
                del loaded
                await asyncio.to_thread(collect)
            return list(self._refused.values())

    def _changed(self) -> Mapping[str, Mapping[int, Model]] | None:
        """All that is to be served, or None where that has not changed."""
        traces = _traces(self._settings)
        if traces == self._seen:
            return None
        before = self._models.loaded
        after: dict[str, dict[int, Model]] = {}
        for folder, trace in traces.items():
            name, version = folder.parent.name, int(folder.name)
            model = before.get(name, {}).get(version)
            if trace != self._seen.get(folder):
                model = self._load(folder) or model
            if model is not None:
                after.setdefault(name, {})[version] = model
        self._refused = {folder: text for folder, text in self._refused.items() if folder in traces}
        self._seen = traces
        for name, versions in before.items():
            if name not in after:
                logger.error("%s is gone from the models folder; it goes on serving.", name)
                after[name] = dict(versions)
        return after

    def _load(self, folder: Path) -> Model | None:
        try:
            model = self._models.make(folder)
        except ModelError as problem:
            logger.error("Refused a model; what serves goes on. %s", problem)
            self._refused[folder] = str(problem)
            return None
        self._refused.pop(folder, None)
        logger.info("%s version %s serves.", folder.parent.name, folder.name)
        return model


def _traces(settings: Settings) -> dict[Path, Trace]:
    try:
        folders = newest(find(settings.models), settings.versions)
    except ModelError:  # The folder itself is gone: what serves goes on.
        return {}
    return {folder: _trace(folder) for folder in folders}


def _trace(folder: Path) -> Trace:
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            state = path.stat()
        except OSError:  # Removed between the two.
            continue
        found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)
