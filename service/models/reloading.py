"""Changes in the models folder become newly loaded models, without a failed request.

The folder is polled, since network mounts send no notifications of changes.
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

Fingerprint = tuple[tuple[str, int, int], ...]
"""Path, time of modification in ns and size in bytes of every file of a folder."""


class Watcher:
    """Loads and verifies new versions beside the serving ones, then swaps them in."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings
        self._seen: dict[Path, Fingerprint] = _fingerprints(settings)
        self._refused: dict[Path, str] = {}
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Check the folder every `watch_seconds` until cancelled."""
        if not self._settings.watch_seconds:
            return
        while True:
            await asyncio.sleep(self._settings.watch_seconds)
            try:
                await self.look()
            except Exception:  # A mount that is away for a while must not end the watch.
                logger.exception("The models folder could not be looked at; what serves goes on.")

    async def look(self) -> list[str]:
        """Load what has changed; returns why each refused folder is refused."""
        async with self._lock:
            loaded = await asyncio.to_thread(self._changed)
            if loaded is not None:
                self._models.swap(loaded)
                del loaded
                await asyncio.to_thread(collect)
            return list(self._refused.values())

    def _changed(self) -> Mapping[str, Mapping[int, Model]] | None:
        """All models to serve from now on, or None when nothing changed."""
        found = _fingerprints(self._settings)
        if found == self._seen:
            return None
        before = self._models.loaded
        after: dict[str, dict[int, Model]] = {}
        for folder, fingerprint in found.items():
            name, version = folder.parent.name, int(folder.name)
            model = before.get(name, {}).get(version)
            if fingerprint != self._seen.get(folder):
                model = self._load(folder) or model
            if model is not None:
                after.setdefault(name, {})[version] = model
        self._refused = {folder: text for folder, text in self._refused.items() if folder in found}
        self._seen = found
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


def _fingerprints(settings: Settings) -> dict[Path, Fingerprint]:
    try:
        folders = newest(find(settings.models), settings.versions)
    except ModelError:  # The folder itself is gone: the loaded models go on serving.
        return {}
    return {folder: _fingerprint(folder) for folder in folders}


def _fingerprint(folder: Path) -> Fingerprint:
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            state = path.stat()
        except OSError:  # Removed since it was listed.
            continue
        found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)
