"""The README's requests, sent as they stand to the service as it is started for real."""

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

from service.manifest import Manifest
from service.models.folder import find

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.S)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)
CURLS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of `convlens serve` with two workers and the models of the repository."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    command = [sys.executable, "-m", "convlens", "serve", "--workers", "2", "--port", str(number)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{number}/readyz", process)
            yield number
        finally:
            process.terminate()
            assert process.wait(30) == 0


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=60):
                return
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", CURLS)
def test_request_works_word_for_word(command: str, port: int, tmp_path: Path) -> None:
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
    assert names["maps"].shape[-3:] == (26, 26, 32)


def test_first_answer_is_the_one_shown(port: int) -> None:
    shown = re.search(r"```json\n(.*?)```", README, re.S)
    assert shown is not None
    expected = json.loads(shown[1])["predictions"][0]
    command = CURLS[0].replace("localhost:8000", f"127.0.0.1:{port}").replace("curl", "curl -sf", 1)
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=True)
    (answer,) = json.loads(done.stdout)["predictions"]
    assert answer["label"] == expected["label"]
    assert answer["prepared"] == expected["prepared"]
    assert answer["confidence"] == pytest.approx(expected["confidence"], abs=1e-4)
    assert list(answer) == list(expected)


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
