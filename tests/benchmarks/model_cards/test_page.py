"""docs/reference/models.md says what was measured and what the manifests say."""

import re
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.model_cards import __main__, cost, figures, page
from benchmarks.model_cards.corruptions import CORRUPTIONS
from benchmarks.model_cards.figures import Figures
from service.manifest import Manifest
from service.models.folder import find, newest, read_manifest
from tests.exported_models import tiny_dataset, tiny_layers, write_npz
from training.datasets import named as datasets
from training.datasets.named import Dataset
from training.exporting import write_model

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "models.md").read_text(encoding="utf-8")
MEASURED = {
    path.stem: Figures.model_validate_json(path.read_bytes())
    for path in sorted((ROOT / "docs" / "reference" / "models").glob("*.json"))
}
SHIPPED = {one.name: one for one in map(read_manifest, newest(find(ROOT / "models"), 1))}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with the page of two tiny models, and what was printed."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("mnist", "cifar10"):
        write_npz(folder / f"{name}.npz")
        dataset = datasets.load(name, folder)
        _ship(folder / "models" / name / "1", dataset, calibrate=name == "mnist")
    done = _run(folder)
    assert done.exit_code == 0, done.output
    return folder, done.stdout


def _ship(target: Path, dataset: Dataset, *, calibrate: bool) -> None:
    recipe: write_model.RecipeRecord = {"network": "tiny", "data": target.parent.name, "epochs": 1}
    nodes = tiny_layers(dataset.shape, len(dataset.labels))
    write_model.export(nodes, dataset, recipe, target, calibrate=calibrate)


def _run(folder: Path) -> "typer.testing.Result":
    app = typer.Typer()
    app.command()(__main__.main)
    paths = ["--models", str(folder / "models"), "--output", str(folder / "page.md")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "SECONDS", 0.001)
        return CliRunner().invoke(app, ["--data", str(folder), "--count", "7", *paths])


def test_page_holds_every_model_and_every_strength(measured: tuple[Path, str]) -> None:
    folder, printed = measured
    text = (folder / "page.md").read_text(encoding="utf-8")
    assert text.strip() in printed
    for corruption in CORRUPTIONS:
        for strength in corruption.strengths:
            assert text.count(f"| {corruption.say(strength)} |") == 2
    for name in ("mnist", "cifar10"):
        manifest = Manifest.read(folder / "models" / name / "1")
        assert f"{manifest.metrics.accuracy:.2%}, 95 % interval" in text
        for what in ("calibration", "confusion"):
            svg = (folder / "page" / f"{name}-{what}.svg").read_text(encoding="utf-8")
            assert "prefers-color-scheme: dark" in svg
            assert f"](page/{name}-{what}.svg)" in text


def test_figures_are_those_of_the_images(measured: tuple[Path, str]) -> None:
    folder, _ = measured
    for name, kinds in (("mnist", 5), ("cifar10", 0)):
        found = Figures.model_validate_json((folder / "page" / f"{name}.json").read_bytes())
        manifest = Manifest.read(folder / "models" / name / "1")
        counts = np.array(found.confusion)
        assert counts.sum() == sum(one.count for one in found.bins) == 40
        assert np.trace(counts) / 40 == pytest.approx(manifest.metrics.accuracy)
        assert found.sample == 7
        assert len(found.out_of_distribution) == kinds
        assert {kind: len(shares) for kind, shares in found.corrupted.items()} == {
            corruption.name: 3 for corruption in CORRUPTIONS
        }


def test_other_test_images_are_refused(measured: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(measured[0] / "models")
    labels = np.load(measured[0] / "mnist.npz")["y_test"]
    write_npz(tmp_path / "mnist.npz", y_test=(labels + 1) % 10)
    write_npz(tmp_path / "cifar10.npz")
    done = _run(tmp_path)
    assert done.exit_code == 1
    assert "Are they those it was tested on?" in done.stderr


def test_model_of_a_folder_is_passed_over(tmp_path: Path) -> None:
    _ship(tmp_path / "models" / "leaves" / "1", tiny_dataset(), calibrate=False)
    write_npz(tmp_path / "mnist.npz")
    done = _run(tmp_path)
    assert done.exit_code == 1
    assert "was trained on mnist or cifar10" in done.stderr


def test_interval_is_wilsons() -> None:
    assert figures.interval(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert figures.interval(1, 10_000)[0] == pytest.approx(0.99962, abs=1e-5)
    assert figures.interval(1, 10_000)[1] == pytest.approx(1)


def test_every_shipped_model_has_a_card() -> None:
    assert MEASURED.keys() == SHIPPED.keys()


@pytest.mark.parametrize("name", SHIPPED)
def test_card_says_what_the_manifest_says(name: str) -> None:
    manifest, measured = SHIPPED[name], MEASURED[name]
    metrics = manifest.metrics
    assert measured.digest == manifest.digest
    (card,) = re.findall(rf"### {re.escape(name)}\n(.*?)(?=\n### |\n## |\Z)", PAGE, re.DOTALL)
    assert f"| **Accuracy** | {metrics.accuracy:.2%}, 95 % interval" in card
    right = sum(row[i] for i, row in enumerate(measured.confusion))
    assert right / metrics.images == pytest.approx(metrics.accuracy, abs=figures.CLOSE)
    if metrics.calibration_error is not None:
        assert f"ECE {metrics.calibration_error:.2%}" in card
        assert measured.calibration_error == pytest.approx(metrics.calibration_error, abs=1e-3)
    if metrics.remark is not None:
        assert card.count(metrics.remark) >= 2


def test_page_says_what_was_measured() -> None:
    pairs = [(SHIPPED[name], MEASURED[name]) for name in re.findall(r"^### (.+)$", PAGE, re.M)]
    text = page.markdown(
        pairs, "models", [], __main__.reproduced(ROOT / "docs" / "reference" / "reproduction")
    )
    assert PAGE.partition("## Measured on")[0] == text.partition("## Measured on")[0]


@pytest.mark.parametrize("name", SHIPPED)
def test_plots_are_those_of_the_committed_figures(name: str) -> None:
    for what, svg in page.draw(SHIPPED[name], MEASURED[name]).items():
        path = ROOT / "docs" / "reference" / "models" / f"{name}-{what}.svg"
        assert path.read_text(encoding="utf-8") == svg
