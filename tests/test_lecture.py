"""docs/explanation/lecture.md: its requests give its results, and what it points to exists."""

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from service.app import create_app
from service.settings import Settings
from training.networks.lowlevel import LECTURE
from training.recipes import RECIPES
from training.reproduction import first_maps

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "explanation" / "lecture.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"-d '([^']+)' localhost:8000(\S+)\n```\n\n`result`: `([^`]+)`", TEXT, re.MULTILINE
)
FUNCTIONS = set(re.findall(r"`((?:mnist|cifar10)_lecture\w*)`", TEXT))


def test_every_request_says_its_result() -> None:
    assert len(EXAMPLES) == TEXT.count("curl ") > 0


@pytest.mark.parametrize(("body", "path", "result"), EXAMPLES)
def test_request_gives_the_result(body: str, path: str, result: str) -> None:
    answer = TestClient(create_app()).post(path, json=json.loads(body))
    assert answer.json()["result"] == json.loads(result)


def test_pages_exist_on_the_shipped_models() -> None:
    paths = set(re.findall(r"`(/(?:layers|models)[^`]*)`", TEXT))
    assert paths
    with TestClient(create_app(Settings(models=ROOT / "models"))) as client:
        for path in sorted(paths):
            assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT))))
def test_linked_file_exists(target: str) -> None:
    assert (ROOT / "docs" / "explanation" / target).is_file()


def test_networks_named_exist() -> None:
    source = (ROOT / "training" / "networks" / "lecture.py").read_text(encoding="utf-8")
    assert set(re.findall(r"^def (\w+_lecture\w*)", source, re.MULTILINE)) == FUNCTIONS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"convlens train ([\w-]+)", TEXT))))
def test_recipes_named_exist(name: str) -> None:
    assert name in RECIPES


def test_first_step_prints_what_is_shown() -> None:
    command = r"-m training\.reproduction\.first_maps"
    (shown,) = re.findall(command + r"\n```\n\n```\n(.+?)```", TEXT, re.DOTALL)
    assert CliRunner().invoke(first_maps.app, []).stdout == shown


def test_blocks_named_are_those_of_the_graph() -> None:
    assert ", ".join(LECTURE) in TEXT.replace("\n", " ")
