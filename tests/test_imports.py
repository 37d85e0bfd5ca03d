"""Which room may import which: imports point down, from a table, and never run in a circle."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SERVICE: Mapping[str, set[str]] = {
    "app": {
        "http",
        "images",
        "lessons",
        "models",
        "observability",
        "protocols.open_inference",
        "protocols.tfserving",
        "routes",
        "settings",
        "workers",
    },
    "lessons": {"errors", "http", "introspection"},
    "protocols.tfserving": {
        "errors",
        "http",
        "images",
        "models",
        "protocols",
        "routes",
        "settings",
    },
    "protocols.open_inference": {
        "errors",
        "http",
        "manifest",
        "models",
        "protocols",
        "routes",
        "settings",
    },
    "protocols": {"errors", "images", "manifest", "models"},
    "routes": {
        "drawing",
        "errors",
        "http",
        "images",
        "introspection",
        "manifest",
        "models",
        "observability",
    },
    "introspection": {"errors", "manifest", "models"},
    "models": {"errors", "images", "manifest", "observability", "settings", "workers"},
    "images": {"errors", "manifest", "settings"},
    "http": {"errors", "observability", "settings", "workers"},
    "drawing": set(),
    "observability": set(),
    "workers": set(),
    "manifest": set(),
    "settings": set(),
    "errors": set(),
}
"""The rooms of `service/` from the top down, each with the rooms that it may import."""

TRAINING: Mapping[str, set[str]] = {
    "__main__": {"errors", "experiment", "exporting", "fitting", "plans"},
    "reproduction": {"datasets", "errors", "experiment", "exporting", "recipes"},
    "experiment": {"datasets", "exporting", "fitting", "recipes"},
    "plans": {"datasets", "errors", "recipes"},
    "fitting": {"datasets", "errors", "exporting", "networks", "recipes"},
    "recipes": {"datasets", "errors", "networks", "precision"},
    "exporting": {"datasets", "errors", "networks"},
    "datasets": {"errors"},
    "networks": set(),
    "precision": set(),
    "errors": set(),
}

ROOMS = {"service": SERVICE, "training": TRAINING}

TENSORFLOW = "service.models.saved_model"
"""The one module of the service that imports TensorFlow."""

ARITHMETIC = ("service.drawing", "service.introspection", "service.lessons.arithmetic")
"""What knows nothing of HTTP."""


def modules(package: str) -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((ROOT / package).rglob("*.py"))
    }


FILES = {name: path for package in ROOMS for name, path in modules(package).items()}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from named & FILES.keys()
            if named - FILES.keys():
                yield node.module


def room_of(module: str) -> str | None:
    """The longest room that `module` lies in; None for the package itself."""
    package, _, rest = module.partition(".")
    rooms = [one for one in ROOMS[package] if f"{rest}.".startswith(f"{one}.")]
    return max(rooms, key=len, default=None)


@pytest.mark.parametrize("package", ROOMS)
def test_every_module_lies_in_a_room_of_the_table(package: str) -> None:
    assert {room_of(name) for name in modules(package)} == {*ROOMS[package], None}


@pytest.mark.parametrize("package", ROOMS)
def test_table_points_down(package: str) -> None:
    order = list(ROOMS[package])
    for room, below in ROOMS[package].items():
        assert all(order.index(one) > order.index(room) for one in below), room


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_exactly_what_the_table_allows(package: str) -> None:
    found: dict[str, set[str]] = {room: set() for room in ROOMS[package]}
    for name, path in modules(package).items():
        room = room_of(name)
        below = {room_of(one) for one in imported(path) if one.startswith(f"{package}.")}
        if room is not None:
            found[room] |= {one for one in below if one is not None} - {room}
    assert found == ROOMS[package]


@pytest.mark.parametrize("package", ROOMS)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    known = modules(package)
    needs = {name: set(imported(path)) & known.keys() - {name} for name, path in known.items()}
    assert list(TopologicalSorter(needs).static_order())


@pytest.mark.parametrize("package", ROOMS)
def test_no_room_has_more_than_a_dozen_modules(package: str) -> None:
    for folder in {path.parent for path in modules(package).values()}:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= 12, folder


@pytest.mark.parametrize("name", modules("service"))
def test_service_knows_neither_training_nor_keras(name: str) -> None:
    roots = {one.split(".")[0] for one in imported(FILES[name])}
    assert roots.isdisjoint({"training", "convlens", "keras", "tests", "benchmarks"})
    assert name == TENSORFLOW or "tensorflow" not in roots
    if name.startswith(ARITHMETIC):
        assert roots.isdisjoint({"fastapi", "starlette", "uvicorn"})


@pytest.mark.parametrize("name", modules("training"))
def test_training_meets_the_service_in_data_and_pictures_alone(name: str) -> None:
    roots = {one.split(".")[0] for one in imported(FILES[name])}
    assert roots.isdisjoint({"convlens", "tests", "benchmarks"})
    rooms = {room_of(one) for one in imported(FILES[name]) if one.startswith("service.")}
    assert rooms <= {"manifest", "images", "drawing", "introspection", "models", "errors"}


def test_tensorflow_is_not_imported_before_a_gradient_is_asked_for() -> None:
    code = """if True:
        import sys
        import convlens.__main__
        from fastapi.testclient import TestClient
        from service.app import create_app
        from service.settings import Settings
        # Loading TensorFlow may take longer than the default deadline on a busy machine.
        with TestClient(create_app(Settings(deadline_seconds=120))) as client:
            for url in ("/layers/conv2/feature-maps", "/layers/conv1/filters", "/grad-cam"):
                assert client.get(url).status_code == 200
                print("tensorflow" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True"]
