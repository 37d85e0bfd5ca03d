"""`python -m training` trains, exports and reports; what it refuses takes one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.manifest import Manifest
from tests.bundles import write_npz
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


def test_training_writes_a_model_and_prints_its_test_figures(folder: Path) -> None:
    models = folder / "models"
    result = _train("mnist-lecture", "--data", folder, "--models", models, "--epochs", "1")
    assert result.exit_code == 0, result.output
    manifest = Manifest.read(models / "mnist-lecture" / "1")
    last = result.stdout.splitlines()[-1]
    assert f"test loss {manifest.metrics.loss:.4f}" in last
    assert f"test accuracy {manifest.metrics.accuracy:.2%} on 40 images" in last
    assert manifest.recipe["epochs"] == manifest.recipe["best_epoch"] == 1
    assert manifest.recipe["seed"] == RECIPES["mnist-lecture"].seed
    assert [path.name for path in models.rglob("*") if "partial" in path.name] == []


def test_seed_decides_the_weights_and_the_next_version_is_taken(folder: Path) -> None:
    models = folder / "models"
    for seed in (7, 7, 8):
        end = ("--models", models, "--epochs", "1", "--seed", str(seed))
        assert _train("mnist-lecture-same", "--data", folder, *end).exit_code == 0
    one, two, three = (Manifest.read(models / "mnist-lecture-same" / v) for v in ("1", "2", "3"))
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


def test_module_runs_without_noise_from_tensorflow(folder: Path) -> None:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TF_")}
    folders = ["--data", str(folder), "--models", str(folder / "models")]
    run = subprocess.run(
        [sys.executable, "-m", "training", "mnist-lecture", "--epochs", "1", *folders],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "test accuracy" in run.stdout.splitlines()[-1]
