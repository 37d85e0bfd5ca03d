"""The documents: links lead somewhere, what they name exists, and tables say what the code says."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from service.app import create_app
from service.manifest import Kind, Layer, Manifest
from service.observability import metrics
from tools import reference_pages

ROOT = Path(__file__).parent.parent
TRACKED = frozenset(
    subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
)
PAGES = sorted(path for path in TRACKED if path.endswith(".md") and (ROOT / path).exists())
REFERENCE = ROOT / "docs" / "reference"

FOLDERS = "service|training|convlens|benchmarks|tests|tools|deploy|docs|models"
PATH = re.compile(rf"`((?:{FOLDERS})(?:/[\w.-]+)+/?)`")
MODULE = re.compile(rf"python -m ((?:{FOLDERS})[\w.]*)")
TARGET = re.compile(r"`make ([a-z]+)`|^make ([a-z]+)$", re.MULTILINE)
WRITTEN_BY_USERS = re.compile(r"models/(?:mnist-adadelta|leaves)/1")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a Markdown page."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(words.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (folder / path).resolve() if path else ROOT / page
        assert str(linked.relative_to(ROOT)) in TRACKED, target
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", PAGES)
def test_paths_and_modules_that_are_named_exist(page: str) -> None:
    text = text_of(page)
    for path in PATH.findall(text):
        folder = path.rstrip("/") + "/"
        is_there = path in TRACKED or any(one.startswith(folder) for one in TRACKED)
        assert is_there or WRITTEN_BY_USERS.fullmatch(path), path
    for module in MODULE.findall(text):
        assert find_spec(module.rstrip(".")) is not None, module


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_that_are_named_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for pair in TARGET.findall(text_of(page)):
        assert f"\n{pair[0] or pair[1]}:" in makefile


@pytest.mark.parametrize("picture", ["overview", "request"])
def test_rooms_and_modules_in_the_pictures_exist(picture: str) -> None:
    drawn = (ROOT / "docs" / "images" / f"{picture}.svg").read_text(encoding="utf-8")
    named = re.findall(r"\b[a-z_]+/(?:[a-z_]+\b)?", " ".join(re.findall(r">([^<]+)<", drawn)))
    folders = [ROOT / "service", ROOT / "service" / "protocols", ROOT / "training", ROOT]
    assert len(named) > 5
    for path in named:
        found = any(
            (folder / path).is_dir() or (folder / f"{path}.py").is_file() for folder in folders
        )
        assert found, path


def test_imports_point_down_the_table_of_rooms() -> None:
    table = text_of("docs/explanation/architecture.md").partition("| `training/")[0]
    rows = re.findall(r"^\| (`service/.+?) \| ", table, re.MULTILINE)
    places = {
        name.removesuffix(".py"): place
        for place, row in enumerate(rows)
        for name in re.findall(r"`service/(\w+(?:\.py)?)/?`", row)
    }
    for path in sorted((ROOT / "service").rglob("*.py")):
        room = path.relative_to(ROOT / "service").parts[0].removesuffix(".py")
        for module in re.findall(r"^from service\.(\w+)", path.read_text("utf-8"), re.MULTILINE):
            assert module == room or places[room] < places[module], f"{path} imports {module}"


@pytest.mark.parametrize("page", reference_pages.PAGES)
def test_page_says_what_the_code_says(page: str) -> None:
    written = (REFERENCE / page).read_text(encoding="utf-8")
    assert written == reference_pages.PAGES[page](), "python tools/reference_pages.py writes it"


def test_table_of_endpoints_is_complete() -> None:
    table = (REFERENCE / "http-api.md").read_text(encoding="utf-8")
    listed = {
        (method, path)
        for methods, path in re.findall(r"`((?:GET|POST)(?:, POST)?) (/[^`]*)`", table)
        for method in methods.split(", ")
    }
    documented = {
        (method.upper(), path)
        for path, methods in create_app().openapi()["paths"].items()
        for method in methods
        if not path.startswith(("/v1/", "/v2"))
    }
    pages = {("GET", "/"), ("GET", "/docs"), ("GET", "/openapi.json")}
    assert listed == documented | pages


def test_table_of_metrics_is_complete() -> None:
    table = (REFERENCE / "metrics.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(convlens_\w+)`", table, re.MULTILINE))
    counted = re.findall(rb"^# TYPE (convlens_\w+) ", metrics.exposition(), re.MULTILINE)
    exposed = {name.decode() for name in counted}
    assert listed == {name for name in exposed if not name.endswith("_created")}


def test_manifest_page_lists_every_kind_and_field() -> None:
    page = (REFERENCE / "model-folder.md").read_text(encoding="utf-8")
    for word in (*get_args(Kind), *Layer.model_fields, *Manifest.model_fields):
        assert f"`{word}`" in page
