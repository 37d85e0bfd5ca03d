"""Requests and programs of the README and of docs/, run as they stand against a real service."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from convlens.__main__ import app
from service.manifest import Manifest
from service.models.folder import find
from tests.exported_models import write_npz

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
HTTP_API = (ROOT / "docs" / "reference" / "http-api.md").read_text(encoding="utf-8")
GUIDES = "".join(
    (ROOT / "docs" / "how-to" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("python-client", "other-clients", "keys-and-rates")
)
TRAINED = "mnist-adadelta"
"""The model that the tutorial trains."""


def blocks(text: str) -> list[tuple[str, str]]:
    """The language and the text of every block of code."""
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def curls(text: str) -> list[str]:
    """Every line of shell that is a request."""
    shell = "".join(code for language, code in blocks(text) if language == "sh")
    return [line for line in shell.splitlines() if line.startswith("curl ")]


def shown(text: str) -> list[tuple[str, Any]]:
    """The requests that are followed by their answer, with that answer as it is shown."""
    found, request = [], ""
    for language, code in blocks(text):
        if language == "sh":
            request = code.strip()
        elif language == "json":
            found.append((request, json.loads(code)))
    return found


CURLS = list(dict.fromkeys(curls(README) + curls(TUTORIAL) + curls(GUIDES)))
PYTHON = [code for language, code in blocks(README + GUIDES) if language == "python"]
ANSWERS = shown(TUTORIAL) + shown(HTTP_API)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models of the repository, to which another can be added."""
    folder = tmp_path_factory.mktemp("models")
    for model in sorted((ROOT / "models").iterdir()):
        (folder / model.name).symlink_to(model)
    return folder


@pytest.fixture(scope="module")
def port(models: Path) -> Iterator[int]:
    """The port of `convlens serve` with two workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    command = [sys.executable, "-m", "convlens", "serve", "--workers", "2", "--port", str(number)]
    # A first Grad-CAM loads TensorFlow, which takes longer than the default on a busy machine.
    command += ["--models", str(models), "--deadline-seconds", "60", "--watch-seconds", "0.2"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{number}/readyz", process)
            yield number
        finally:
            process.terminate()
            assert process.wait(30) == 0


def _wait(url: str, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process is None or process.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=60):
                return
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def trained(models: Path, port: int, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tutorial's command trains a model, on few images, and the running service loads it."""
    (command,) = re.findall(r"^\.venv/bin/convlens (train .+)$", TUTORIAL, re.MULTILINE)
    data = tmp_path_factory.mktemp("data")
    write_npz(data / "mnist.npz")
    arguments = [*command.split(), "--data", str(data), "--models", str(models)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    _wait(f"http://127.0.0.1:{port}/models/{TRAINED}")
    time.sleep(1)  # The other worker finds it as well.
    return TRAINED


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", CURLS)
def test_request_works_word_for_word(
    command: str, port: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if TRAINED in command:
        request.getfixturevalue("trained")
    (tmp_path / "service").symlink_to(ROOT / "service")
    command = command.replace("localhost:8000", f"127.0.0.1:{port}")
    done = subprocess.run(
        ["bash", "-c", command.replace("curl", "curl -sf", 1)], cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, command
    written = [path for path in tmp_path.iterdir() if path.name != "service"]
    answer = written[0].read_bytes() if written else done.stdout
    assert answer.startswith((b"{", b"\x89PNG", b"\x93NUMPY"))


@pytest.mark.parametrize("program", PYTHON, ids=[one.splitlines()[0] for one in PYTHON])
def test_program_runs_as_it_stands(
    program: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(program.replace("localhost:8000", f"127.0.0.1:{port}"), names)
    assert "maps" not in names or names["maps"].shape[-3:] == (26, 26, 32)


def test_first_answer_is_the_one_shown(port: int) -> None:
    ((request, document),) = shown(README)
    (expected,) = document["predictions"]
    command = request.replace("localhost:8000", f"127.0.0.1:{port}").replace("curl", "curl -sf", 1)
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=True)
    (answer,) = json.loads(done.stdout)["predictions"]
    assert answer["label"] == expected["label"]
    assert answer["prepared"] == expected["prepared"]
    assert answer["confidence"] == pytest.approx(expected["confidence"], abs=1e-4)
    assert list(answer) == list(expected)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("command", "expected"), ANSWERS, ids=[one for one, _ in ANSWERS])
def test_answer_has_what_is_shown(command: str, expected: Any, port: int) -> None:
    command = command.replace("localhost:8000", f"127.0.0.1:{port}")
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=True)
    assert_holds(json.loads(done.stdout), expected)


def assert_holds(answer: Any, expected: Any) -> None:
    """`answer` has every member of `expected`; numbers agree as far as they are written."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_holds(answer[name], value)
    elif isinstance(expected, list):
        assert len(answer) == len(expected)
        for one, other in zip(answer, expected, strict=True):
            assert_holds(one, other)
    elif isinstance(expected, float):
        assert answer == pytest.approx(expected, abs=1e-5)
    else:
        assert answer == expected


def test_make_knows_the_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("serve", "test"):
        assert f"make {target}\n" in README
        assert f"\n{target}:" in makefile


@pytest.mark.parametrize("folder", find(ROOT / "models"), ids=lambda folder: folder.parent.name)
def test_table_of_models_says_what_the_manifests_say(folder: Path) -> None:
    manifest = Manifest.read(folder)
    row = f"| `{manifest.name}` | {manifest.parameters:,} | {manifest.metrics.accuracy:.2%} |"
    (line,) = [line for line in README.splitlines() if line.startswith(row)]
    assert manifest.metrics.remark is None or manifest.metrics.remark in line
