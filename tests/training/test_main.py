"""`python -m training` trains, exports and reports; what it refuses takes one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from typer.testing import CliRunner, Result

from service.app import create_app
from service.manifest import Manifest
from service.settings import Settings
from tests.exported_models import write_npz
from training.__main__ import app
from training.recipes import RECIPES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_npz(tmp_path / "mnist.npz")
    return tmp_path


def _train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def _refusal(*arguments: str | Path) -> str:
    """The one sentence on stderr; nothing on stdout, and no traceback."""
    result = _train(*arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The models folder of `python -m training mnist-lecture --epochs 1`, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    write_npz(folder / "mnist.npz")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TF_")}
    folders = ["--data", str(folder), "--models", str(folder / "models")]
    run = subprocess.run(
        [sys.executable, "-m", "training", "mnist-lecture", "--epochs", "1", *folders],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return folder / "models", run


def test_training_writes_a_model_and_prints_its_test_figures(
    trained: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    models, result = trained
    assert result.returncode == 0, result.stderr
    manifest = Manifest.read(models / "mnist-lecture" / "1")
    last = result.stdout.splitlines()[-1]
    assert f"test loss {manifest.metrics.loss:.4f}" in last
    assert f"test accuracy {manifest.metrics.accuracy:.2%} on 40 images" in last
    assert "images an epoch, epochs: 1, computed in float32, threads: 2" in result.stdout
    assert manifest.recipe["epochs"] == manifest.recipe["best_epoch"] == 1
    assert manifest.recipe["seed"] == RECIPES["mnist-lecture"].seed
    assert [path.name for path in models.rglob("*") if "partial" in path.name] == []


def test_seed_decides_the_weights_and_the_next_version_is_taken(folder: Path) -> None:
    models = folder / "models"
    for seed in (7, 7, 8):
        end = ("--models", models, "--epochs", "1", "--seed", str(seed))
        assert _train("mnist-dense", "--data", folder, *end).exit_code == 0
    one, two, three = (Manifest.read(models / "mnist-dense" / v) for v in ("1", "2", "3"))
    assert (one.recipe["seed"], three.recipe["seed"]) == (7, 8)
    assert one.golden == two.golden
    assert one.golden != three.golden


def test_unknown_name_lists_those_that_exist(folder: Path) -> None:
    sentence = _refusal("mnist-lectur", "--data", folder, "--models", folder / "models")
    assert all(name in sentence for name in RECIPES)


def test_wrong_folder_is_refused(tmp_path: Path) -> None:
    models = tmp_path / "models"
    sentence = _refusal("mnist-lecture", "--data", tmp_path / "nowhere", "--models", models)
    assert "no folder" in sentence
    assert not models.exists()


def test_truncated_file_is_refused(folder: Path) -> None:
    file = folder / "mnist.npz"
    file.write_bytes(file.read_bytes()[:-1000])
    sentence = _refusal("mnist-lecture", "--data", folder, "--models", folder / "models")
    assert "damaged" in sentence
    assert not (folder / "models").exists()


def test_existing_version_is_refused_before_the_data_are_read(tmp_path: Path) -> None:
    (tmp_path / "mnist-lecture" / "3").mkdir(parents=True)
    nowhere = tmp_path / "nowhere"
    end = ("--data", nowhere, "--models", tmp_path, "--version", "3")
    assert "exists. Choose another --version." in _refusal("mnist-lecture", *end)


@pytest.mark.parametrize("option", ["--version", "--epochs"])
def test_number_below_one_is_a_usage_error(option: str) -> None:
    result = _train("mnist-lecture", option, "0")
    assert result.exit_code == 2
    assert option in result.stderr


def test_module_runs_without_noise_from_tensorflow(
    trained: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, run = trained
    assert (run.returncode, run.stderr) == (0, "")
    assert "test accuracy" in run.stdout.splitlines()[-1]


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """Two classes of striped pictures, and one file that is no picture."""
    for label, way in (("가로", 0), ("up", 1)):
        (tmp_path / "stripes" / "train" / label).mkdir(parents=True)
        for number in range(6):
            pixels = np.zeros((20 + number, 24, 3), np.uint8)
            np.moveaxis(pixels, way, 0)[number % 3 :: 4] = 250
            Image.fromarray(pixels).save(tmp_path / "stripes" / "train" / label / f"{number}.png")
    (tmp_path / "stripes" / "train" / "up" / "notes.txt").write_text("text")
    return tmp_path / "stripes"


def test_folder_of_images_becomes_a_model_that_is_served_with_its_labels(stripes: Path) -> None:
    models = stripes.parent / "models"
    options = ("--size", "8x10", "--grey", "--epochs", "1", "--models", models)
    result = _train("--folder", stripes, *options)
    assert result.exit_code == 0, result.output
    assert "notes.txt: This is not an image" in result.stdout
    manifest = Manifest.read(models / "stripes" / "1")
    assert (manifest.input_shape, manifest.labels) == ((8, 10, 1), ("up", "가로"))
    assert manifest.recipe["data"] == "folder"
    assert manifest.metrics.remark == "one image in 5 of each class, chosen at random"
    settings = Settings(models=models, default_model="stripes")
    with TestClient(create_app(settings)) as client:
        picture = (stripes / "train" / "up" / "0.png").read_bytes()
        answer = client.post("/predict", content=picture, headers={"content-type": "image/png"})
        maps = client.get("/layers/conv1/feature-maps")
    (prediction,) = answer.json()["predictions"]
    assert set(prediction["probabilities"]) == {"up", "가로"}
    assert maps.status_code == 200


def test_model_of_a_folder_takes_another_name_and_another_network(stripes: Path) -> None:
    models = stripes.parent / "models"
    options = ("--epochs", "1", "--models", models, "--name", "mine", "--size", "12")
    result = _train("mnist-dense", "--folder", stripes, *options)
    assert result.exit_code == 0, result.output
    manifest = Manifest.read(models / "mine" / "1")
    assert manifest.recipe["network"] == "mnist_dense"
    assert manifest.input_shape == (12, 12, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--name", "a/b"), "cannot be called 'a/b'"),
        (("--size", "large"), "'large' is no size"),
        (("--size", "4"), "8 to 512"),
        (("--data", "."), "--folder for your own images"),
        (("mnist-lecture", "--size", "8"), "choose another --size"),
    ],
)
def test_folder_options_that_cannot_be_are_refused_with_a_sentence(
    options: tuple[str, ...], words: str, stripes: Path
) -> None:
    models = stripes.parent / "models"
    result = _train("--folder", stripes, "--models", models, *options)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not models.exists()


def test_nothing_to_train_is_refused(tmp_path: Path) -> None:
    assert "Name a recipe" in _refusal("--models", tmp_path / "models")
    assert "--name goes with --folder" in _refusal("mnist-lecture", "--name", "mine")
