"""The page's modules: which folder may import which, read from their import lines."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "service" / "web"
MODULES = sorted(path.relative_to(WEB).as_posix() for path in WEB.rglob("*.js"))
SHARED = {"api", "texts", "common"}
# Each folder, and the other folders that it may import. A view never imports another view: app.js
# connects them. "." is app.js itself.
MAY_IMPORT = {
    "api": set(),
    "texts": set(),
    "common": {"texts"},
    "page": SHARED,
    "drawing": SHARED,
    "answer": SHARED,
    "network": SHARED,
    "cell": SHARED,
    "layer": SHARED,
    "explanation": SHARED,
    "playground": SHARED,
    ".": SHARED
    | {"page", "drawing", "answer", "network", "cell", "layer", "explanation", "playground"},
}
IMPORT = re.compile(r"^(?:import|export)\b[^;]*?from '([^']+)';", re.MULTILINE)


def imported(module: str) -> Iterator[str]:
    """The modules that `module` imports, as paths below `service/web`."""
    text = (WEB / module).read_text(encoding="utf-8")
    found = IMPORT.findall(text)
    assert len(found) == len(re.findall(r"^import\b|\bimport\(", text, re.MULTILINE)), module
    for target in found:
        assert target.startswith("."), f"{module} imports {target}: the page has no packages"
        yield os.path.normpath(os.path.join(os.path.dirname(module), target))


def folder(module: str) -> str:
    return os.path.dirname(module) or "."


def test_every_folder_is_in_the_table() -> None:
    assert {folder(module) for module in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_folder_may(module: str) -> None:
    for target in imported(module):
        assert target in MODULES, f"{module} imports {target}, which does not exist"
        here, there = folder(module), folder(target)
        assert there == here or there in MAY_IMPORT[here], f"{module} imports {target}"


def test_no_modules_import_in_a_circle() -> None:
    needs = {module: set(imported(module)) for module in MODULES}
    while leaves := {module for module, found in needs.items() if not found}:
        needs = {name: found - leaves for name, found in needs.items() if name not in leaves}
    assert not needs, f"these import in a circle: {needs}"


def test_app_js_reaches_every_module() -> None:
    reached, found = set(), ["app.js"]
    while found:
        module = found.pop()
        if module not in reached:
            reached.add(module)
            found += imported(module)
    assert reached == set(MODULES)


def test_what_is_shared_is_used_by_two_folders() -> None:
    users: dict[str, set[str]] = {module: set() for module in MODULES}
    for module in MODULES:
        for target in imported(module):
            users[target].add(folder(module))
    shared = [module for module in MODULES if folder(module) == "common"]
    assert [module for module in shared if len(users[module]) < 2] == []


def test_the_page_loads_every_style_sheet() -> None:
    html = (WEB / "index.html").read_text(encoding="utf-8")
    linked = re.findall(r'<link rel="stylesheet" href="/web/([^"]+)">', html)
    assert sorted(linked) == sorted(path.relative_to(WEB).as_posix() for path in WEB.rglob("*.css"))
