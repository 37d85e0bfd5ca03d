"""Model folders: verified before they serve, refused with a sentence otherwise."""

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from service.errors import NotFound, NotReady
from service.manifest import digest
from service.models.registry import Models
from service.settings import Settings
from tests.exported_models import tiny_layers, tiny_model
from training.exporting import litert
from training.exporting.saved_model import ExportedModel
from training.networks.layers import ExportedLayer


def loaded(folder: Path, default: str = "tiny") -> Models:
    models = Models(Settings(models=folder, default_model=default))
    asyncio.run(models.load())
    return models


def edit(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "manifest.json"
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))

    return apply


def truncate(folder: Path) -> None:
    (data,) = (folder / "variables").glob("*.data*")
    data.write_bytes(data.read_bytes()[:-8])


def wrong_golden(record: dict[str, Any]) -> None:
    record["golden"][0]["probabilities"] = [0.2, 0.3, 0.5]


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "incomplete"),
    "no variables": (lambda folder: shutil.rmtree(folder / "variables"), "incomplete"),
    "no graph": (lambda folder: (folder / "saved_model.pb").unlink(), "incomplete"),
    "no copy for LiteRT": (lambda folder: (folder / "network.tflite").unlink(), "incomplete"),
    "half a manifest": (
        lambda folder: (folder / "manifest.json").write_bytes(b'{"name": "ti'),
        "manifest.json",
    ),
    "truncated weights": (truncate, "files are not those"),
    "wrong schema": (edit(lambda record: record.pop("labels")), "labels"),
    "wrong version": (edit(lambda record: record.update(version=7)), "holds tiny version 7"),
    "wrong golden outputs": (edit(wrong_golden), "does not reproduce its golden outputs"),
    "unreadable golden input": (
        edit(lambda record: record["golden"][0].update(image="zzz")),
        "golden input",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_version_is_refused_and_the_sound_one_serves(
    damage: str, tmp_path: Path, tiny_models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny_model(tmp_path / "tiny" / "1")
    shutil.copytree(tmp_path / "tiny" / "1", tmp_path / "tiny" / "2")
    edit(lambda record: record.update(version=2))(tmp_path / "tiny" / "2")
    apply, sentence = DAMAGE[damage]
    apply(tmp_path / "tiny" / "2")
    models = loaded(tmp_path)
    assert models.get().manifest.version == 1
    assert models.versions("tiny") == [1]
    assert sentence in caplog.text


def test_nan_weights_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    layers = tiny_layers((12, 12, 1), 3)
    folder = tmp_path / "tiny" / "1"
    manifest = tiny_model(folder)
    layers[-1].weights["bias"][:] = np.nan
    save(layers, folder)
    litert.write(layers, litert.SIGNATURES, folder)
    manifest.model_copy(update={"digest": digest(folder)}).write(folder)
    with pytest.raises(NotReady):
        loaded(tmp_path).get()
    assert "does not reproduce its golden outputs" in caplog.text


def test_saved_model_that_is_another_network_gives_no_gradients(tmp_path: Path) -> None:
    layers = tiny_layers((12, 12, 1), 3)
    folder = tmp_path / "tiny" / "1"
    manifest = tiny_model(folder)
    layers[-1].weights["bias"][:] = np.nan
    save(layers, folder)
    manifest.model_copy(update={"digest": digest(folder)}).write(folder)
    model, image = loaded(tmp_path).get(), np.zeros((12, 12, 1), np.uint8)
    for _ in range(2):
        with pytest.raises(NotReady, match=r"does not reproduce its golden .* All but Grad"):
            asyncio.run(model.grad_cam(image, [0]))


def test_files_that_became_another_model_give_no_gradients(tmp_path: Path) -> None:
    folder = tmp_path / "tiny" / "1"
    tiny_model(folder)
    model, image = loaded(tmp_path).get(), np.zeros((12, 12, 1), np.uint8)
    shutil.rmtree(folder)
    with pytest.raises(NotReady, match="incomplete"):
        asyncio.run(model.grad_cam(image, [0]))
    tiny_model(folder, seed=2)
    with pytest.raises(NotReady, match="has become another model"):
        asyncio.run(model.grad_cam(image, [0]))


def save(layers: Sequence[ExportedLayer], folder: Path) -> None:
    exported = ExportedModel(layers, (12, 12, 1))
    tf.saved_model.save(exported, str(folder), signatures=exported.signatures())


def test_newest_version_answers_and_older_ones_can_be_named(tmp_path: Path) -> None:
    for version in ("2", "10"):
        tiny_model(tmp_path / "tiny" / version)
    models = loaded(tmp_path)
    assert models.get().manifest.version == 10
    assert models.get("tiny", 2).manifest.version == 2
    with pytest.raises(NotFound, match="there is: 2, 10"):
        models.get("tiny", 3)
    with pytest.raises(NotFound, match="there is: tiny"):
        models.get("huge")


def test_not_ready_before_loading(tiny_models: Path) -> None:
    with pytest.raises(NotReady, match="still being loaded"):
        Models(Settings(models=tiny_models)).get()


def test_not_ready_without_the_default_model(tiny_models: Path) -> None:
    with pytest.raises(NotReady, match="'none' was not loaded"):
        loaded(tiny_models, "none").get()
