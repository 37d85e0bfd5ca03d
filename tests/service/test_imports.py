"""The house's direction: what imports what, read from the code itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted((ROOT / "service").rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_service_imports_point_down(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    assert roots.isdisjoint({"training", "convlens", "keras", "tests", "benchmarks"})
    if path.parts[-2:] != ("models", "saved_model.py"):
        assert "tensorflow" not in roots


def test_no_two_modules_of_the_service_need_each_other() -> None:
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in MODULES
    }
    needs = {name: {one for one in imported(path) if one in names} for name, path in names.items()}
    needs = {name: found - {name, "service", "service.routes"} for name, found in needs.items()}
    while leaves := {name for name, found in needs.items() if not found}:
        needs = {name: found - leaves for name, found in needs.items() if name not in leaves}
    assert not needs, f"these import in a circle: {needs}"


def test_tensorflow_waits_until_somebody_asks_why() -> None:
    code = """if True:
        import sys
        import convlens.__main__
        from fastapi.testclient import TestClient
        from service.app import create_app
        with TestClient(create_app()) as client:
            for url in ("/layers/conv2/feature-maps", "/layers/conv1/filters", "/grad-cam"):
                assert client.get(url).status_code == 200
                print("tensorflow" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True"]
