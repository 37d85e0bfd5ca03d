"""Experiments are trained once, are resumed after an interruption, and are reported correctly."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from convlens.__main__ import app
from service.manifest import Manifest
from tests.exported_models import write_npz
from training import recipes
from training.fitting.checkpoints import TrainingState
from training.reproduction import report, results, run
from training.reproduction.results import Result

ROOT = Path(__file__).parents[3]
NAME = "mnist-adadelta"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder after `convlens reproduce` of one experiment, and what was printed."""
    folder = tmp_path_factory.mktemp("reproduction")
    write_npz(folder / "mnist.npz")
    return folder, _reproduce(folder)


def _reproduce(folder: Path) -> str:
    arguments = ["reproduce", NAME, "--data", str(folder), "--folder", str(folder)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1  # Random images: the result is below the lecture's.
    assert "below the lecture's" in done.stderr
    return done.stdout


def _result(**changes: Any) -> Result:
    recipe = recipes.find(NAME)
    history = {
        "loss": [1.0, 0.5, 0.25],
        "accuracy": [0.5, 0.75, 0.8],
        "val_loss": [0.9, 0.6, 0.7],
        "val_accuracy": [0.625, 0.875, 0.85],
    }
    result = Result(
        name=NAME,
        recipe=recipe.describe(),
        accuracy=0.9731,
        loss=0.1,
        images=10_000,
        remark="on <b>paper</b>",
        parameters=225_034,
        history=history,
        seconds=90,
        threads=2,
        libraries={"tensorflow": "2", "keras": "3"},
        processor="a processor",
    )
    return result.model_copy(update=changes)


def test_result_is_what_the_model_and_its_history_say(finished: tuple[Path, str]) -> None:
    folder, printed = finished
    result = results.read(folder / "results" / f"{NAME}.json")
    assert result is not None
    manifest = Manifest.read(folder / "models" / NAME / "1")
    assert result.accuracy == manifest.metrics.accuracy
    assert result.parameters == manifest.parameters == 225_034
    assert len(result.history["val_accuracy"]) == recipes.find(NAME).epochs
    assert f"{result.accuracy:.2%} on 40 test images" in printed
    assert not list((folder / "checkpoints").iterdir())


def test_what_is_finished_is_not_trained_again(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    assert "Finished before" in _reproduce(folder)
    assert [path.name for path in (folder / "models" / NAME).iterdir()] == ["1"]


def test_result_of_another_recipe_does_not_count(finished: tuple[Path, str]) -> None:
    result = results.read(finished[0] / "results" / f"{NAME}.json")
    assert result is not None
    recipe = recipes.find(NAME)
    assert result.is_of(recipe)
    assert not result.is_of(replace(recipe, seed=2))
    fewer = {key: value for key, value in result.recipe.items() if key != "cutout"}
    assert result.model_copy(update={"recipe": fewer}).is_of(recipe)


def test_stopped_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_npz(tmp_path / "mnist.npz")
    monkeypatch.setitem(recipes.RECIPES, NAME, replace(recipes.find(NAME), epochs=3))
    trained: list[int] = []
    close = TrainingState.close_epoch

    def stop_after_two(self: TrainingState, figures: dict[str, float]) -> None:
        close(self, figures)
        trained.append(self.epoch)

    monkeypatch.setattr(TrainingState, "close_epoch", stop_after_two)
    call = run._EpochTimer.__call__

    def interrupt(self: Any, epoch: int, figures: Mapping[str, float], network: Any) -> None:
        call(self, epoch, figures, network)
        if epoch == 3 and trained == [1, 2]:
            raise KeyboardInterrupt

    monkeypatch.setattr(run._EpochTimer, "__call__", interrupt)
    console = Console(file=io.StringIO())
    with pytest.raises(KeyboardInterrupt):
        list(run.reproduce([NAME], tmp_path, tmp_path, console, 2))
    trained.append(0)
    (result,) = run.reproduce([NAME], tmp_path, tmp_path, console, 2)
    assert trained == [1, 2, 0, 3]
    assert len(result.history["loss"]) == 3


def test_damaged_result_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / f"{NAME}.json").write_text("{}")
    done = CliRunner().invoke(app, ["reproduce", NAME, "--folder", str(tmp_path)])
    assert done.exit_code == 1
    assert "is not a result; remove it" in done.stderr


def test_unknown_experiment_lists_those_that_exist(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["reproduce", "mnist-adadleta", "--folder", str(tmp_path)])
    assert done.exit_code == 1
    assert NAME in done.stderr


def test_report_puts_each_result_beside_the_lectures(tmp_path: Path) -> None:
    report.write([_result()], tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    row = (
        f"| [{NAME}](#{NAME}) | 96.81% | 97.31% (on <b>paper</b>) | +0.50 | 225,034 | 1 | 1.5 min |"
    )
    assert row in text
    assert "Epoch 2 was kept, with 87.50% on the validation images." in text
    for what in ("accuracy", "loss"):
        assert f"](page/{NAME}-{what}.svg)" in text
        assert (tmp_path / "page" / f"{NAME}-{what}.svg").is_file()


def test_dense_and_convolutional_networks_stand_side_by_side(tmp_path: Path) -> None:
    dense = _result(name="mnist-dense", accuracy=0.97, parameters=251_658)
    other = _result(name="mnist-convolution", accuracy=0.99)
    text = report.markdown([dense, other], "page")
    assert "| mnist-dense | dense | 251,658 | 97.00% (on <b>paper</b>) | 300 wrong |" in text
    assert "| mnist-convolution | convolutional | 225,034 | 99.00%" in text
    assert "Dense and convolutional networks" not in report.markdown([dense], "page")


COMMITTED = sorted((ROOT / "docs" / "reference" / "reproduction").glob("*.json"))


def test_committed_report_says_what_the_committed_results_say() -> None:
    found = {path.stem: Result.model_validate_json(path.read_bytes()) for path in COMMITTED}
    ordered = [found[name] for name in recipes.LECTURE if name in found]
    text = (ROOT / "docs" / "reference" / "reproduction.md").read_text(encoding="utf-8")
    assert text == report.markdown(ordered, "reproduction")
    for result in ordered:
        for name, svg in report.draw(result).items():
            assert (ROOT / "docs" / "reference" / "reproduction" / name).read_text(
                encoding="utf-8"
            ) == svg


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_result_is_of_the_recipe_and_not_below_the_lectures(path: Path) -> None:
    result = Result.model_validate(json.loads(path.read_bytes()))
    recipe = recipes.find(path.stem)
    assert result.is_of(recipe)
    assert recipe.lecture is None or result.accuracy >= recipe.lecture
