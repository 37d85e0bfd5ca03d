"""A models folder that changes while it serves: taken up when sound, else refused."""

import asyncio
import gc
import json
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.http import api_keys
from service.models.registry import Models
from service.models.reloading import Watcher
from service.settings import Settings
from tests.exported_models import tiny_model
from tests.pictures import noise, save, seven

IMAGES = np.asarray(noise(12, 12, 1))[np.newaxis, ..., np.newaxis]


def serving(folder: Path, **more: Any) -> tuple[Models, Watcher]:
    settings = Settings(models=folder, default_model="tiny", **more)
    models = Models(settings)
    watcher = Watcher(models, settings)
    asyncio.run(models.load())
    return models, watcher


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 to 3 of one model, each with weights of its own."""
    folder = tmp_path_factory.mktemp("versions")
    for version in (1, 2, 3):
        tiny_model(folder / "tiny" / str(version), seed=version)
    return folder / "tiny"


@pytest.fixture
def folder(versions: Path, tmp_path: Path) -> Path:
    """A models folder with the first of them."""
    shutil.copytree(versions / "1", tmp_path / "tiny" / "1")
    return tmp_path


def test_new_version_answers_and_the_old_one_can_be_named(folder: Path, versions: Path) -> None:
    models, watcher = serving(folder)
    assert asyncio.run(watcher.look()) == []
    shutil.copytree(versions / "2", folder / "tiny" / "2")
    assert asyncio.run(watcher.look()) == []
    assert models.get().manifest.version == 2
    assert models.get("tiny", 1).manifest.version == 1


def test_requests_under_way_get_the_answer_of_their_own_version(
    folder: Path, versions: Path
) -> None:
    models, watcher = serving(folder)
    alone = {1: models.get().network.classify(IMAGES)}

    async def ask(until: asyncio.Event) -> set[int]:
        seen = set()
        while not until.is_set():
            model = models.get()
            rows = await model.batcher(IMAGES)
            expected = alone.setdefault(model.manifest.version, rows)
            assert np.abs(rows - expected).max() < 1e-6
            seen.add(model.manifest.version)
            await asyncio.sleep(0)
        return seen

    async def swap() -> set[int]:
        over = asyncio.Event()
        asking = [asyncio.create_task(ask(over)) for _ in range(4)]
        for version in ("2", "3"):
            shutil.copytree(versions / version, folder / "tiny" / version)
            await watcher.look()
        over.set()
        return set().union(*await asyncio.gather(*asking))

    assert asyncio.run(swap()) >= {1, 2}
    assert np.abs(alone[1] - alone[2]).max() > 1e-3


def test_half_a_copy_is_refused_until_it_is_whole(folder: Path, versions: Path) -> None:
    models, watcher = serving(folder)
    shutil.copytree(versions / "2", folder / "tiny" / "2")
    (weights,) = (folder / "tiny" / "2" / "variables").glob("*.data*")
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    (refused,) = asyncio.run(watcher.look())
    assert "files are not those" in refused
    assert models.get().manifest.version == 1
    weights.write_bytes(whole)
    assert asyncio.run(watcher.look()) == []
    assert models.get().manifest.version == 2


def test_version_whose_files_are_damaged_goes_on_serving(folder: Path) -> None:
    models, watcher = serving(folder)
    path = folder / "tiny" / "1" / "manifest.json"
    record = json.loads(path.read_text())
    record["golden"][0]["probabilities"] = [0.2, 0.3, 0.5]
    path.write_text(json.dumps(record))
    (refused,) = asyncio.run(watcher.look())
    assert "golden" in refused
    assert models.get().manifest.version == 1


@pytest.mark.parametrize("gone", ["tiny/1", "tiny", "."])
def test_folder_that_disappears_ends_nothing(folder: Path, gone: str) -> None:
    models, watcher = serving(folder)
    shutil.rmtree(folder / gone)
    asyncio.run(watcher.look())
    assert models.get().manifest.version == 1


def test_old_versions_are_let_go_and_their_memory_with_them(folder: Path, versions: Path) -> None:
    models, watcher = serving(folder, versions=1)
    old = weakref.ref(models.get())
    shutil.copytree(versions / "2", folder / "tiny" / "2")
    asyncio.run(watcher.look())
    gc.collect()
    assert models.versions("tiny") == [2]
    assert old() is None


def test_service_takes_up_a_version_by_itself_and_on_request(
    folder: Path, versions: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key, file = api_keys.make(), tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text(api_keys.line("me", key))
    known = {"x-api-key": key}
    settings = Settings(models=folder, default_model="tiny", keys=file, watch_seconds=0.05)
    with TestClient(create_app(settings)) as client:
        shutil.copytree(versions / "2", folder / "tiny" / "2")
        for _ in range(600):
            answer = client.post("/predict", content=save(seven()), headers=known).json()
            if answer["version"] == 2:
                break
        assert answer["version"] == 2
        shutil.copytree(versions / "3", folder / "tiny" / "3")
        reloaded = client.post("/models/reload", headers=known).json()
        assert reloaded == {"models": {"tiny": [1, 2, 3]}, "refused": []}
        assert client.post("/models/reload").status_code == 401


def test_without_keys_nobody_reloads(client: TestClient) -> None:
    assert client.post("/models/reload").status_code == 403
