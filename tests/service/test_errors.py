"""The table of refusals says what the code does."""

import ast
from pathlib import Path

import pytest

from service import errors
from service.errors import (
    REFUSALS,
    KeyFileError,
    ModelError,
    Refusal,
    ServiceError,
    protocol_status,
)

SERVICE = Path(errors.__file__).parent
NEVER_ANSWERED = {ServiceError, ModelError, KeyFileError}


def subclasses(kind: type[ServiceError]) -> set[type[ServiceError]]:
    below = {one for one in kind.__subclasses__() if one.__module__ == errors.__name__}
    return {kind}.union(*(subclasses(one) for one in below))


def made_in(module: Path) -> set[str]:
    """The names that `module` calls: an error is made where it is raised."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {one.id for one in calls if isinstance(one, ast.Name)}


MADE = {
    ".".join(path.relative_to(SERVICE).with_suffix("").parts): made_in(path)
    for path in sorted(SERVICE.rglob("*.py"))
    if path.name != "errors.py"
}


def test_every_error_that_a_client_sees_is_in_the_table_once() -> None:
    listed = [row.error for row in REFUSALS]
    public = {one for one in subclasses(ServiceError) if not one.__name__.startswith("_")}
    assert set(listed) == public - NEVER_ANSWERED
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.error.__name__)
def test_table_names_the_modules_that_refuse(row: Refusal) -> None:
    makers = {module for module, names in MADE.items() if row.error.__name__ in names}
    assert set(row.refused_by) == makers
    assert list(row.refused_by) == sorted(row.refused_by)


def test_statuses_are_those_of_the_tree_in_the_docstring() -> None:
    assert errors.__doc__ is not None
    tree = dict(
        line.lstrip("│├└─ ").split()[:2] for line in errors.__doc__.splitlines() if "── " in line
    )
    for row in REFUSALS:
        assert tree[row.error.__name__] == str(row.error.status)
    statuses = [row.error.status for row in REFUSALS]
    assert statuses == sorted(statuses)


def test_protocols_know_few_statuses() -> None:
    found = {protocol_status(row.error.status) for row in REFUSALS}
    assert found == {400, 401, 403, 404, 405, 408, 413, 414, 429, 431, 503}
