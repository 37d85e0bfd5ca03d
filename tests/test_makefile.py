"""Which Python `make` makes the environment with, and which environment it uses again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLD = [f"python{version}" for version in ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=clone, env=outside, capture_output=True, text=True, timeout=60
    )


def script(path: Path, lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def old_pythons() -> list[Path]:
    """Interpreters of this machine from before 3.11, by version: pyenv's, or those on the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = [path for name in OLD for path in pyenv.glob(f"*/bin/{name}")]
    return kept or [Path(path) for name in OLD if (path := shutil.which(name))]


def refused(done: subprocess.CompletedProcess[str], said: str, clone: Path) -> None:
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"convlens needs Python 3.11 or newer, but {said}" in line
    assert "PYTHON=python3.12" in line
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("target", ["serve", "test", "check", "requirements"])
def test_python_that_is_too_old_is_refused_in_one_sentence(clone: Path, target: str) -> None:
    python = script(clone / "python", "echo Python 3.8.18")
    refused(make(clone, target, f"PYTHON={python}"), f"{python} is Python 3.8.18", clone)


def test_python_that_is_not_there_is_refused_in_one_sentence(clone: Path) -> None:
    refused(make(clone, "serve", "PYTHON=python0"), "python0 is not installed", clone)


def test_old_pythons_of_this_machine_are_refused(clone: Path) -> None:
    if not (pythons := old_pythons()):
        pytest.skip("There is no Python before 3.11 on this machine.")
    for python in {pythons[0], pythons[-1]}:
        refused(make(clone, "serve", f"PYTHON={python}"), f"{python} is Python ", clone)


def test_environment_of_a_python_that_fits_is_used_again(clone: Path) -> None:
    (clone / ".venv").symlink_to(sys.prefix)
    planned = make(clone, "--dry-run", "serve", f"PYTHON={sys.executable}").stdout
    assert "convlens serve" in planned
    assert "-m venv" not in planned


@pytest.mark.parametrize("state", ["too old", "gone", "without pip"])
def test_environment_that_cannot_be_used_is_made_anew(clone: Path, state: str) -> None:
    python = clone / ".venv" / "bin" / "python"
    script(python, "echo Python 3.8.18")
    script(python.with_name("pip"), "exit 1")
    if state == "gone":
        python.unlink()
        python.symlink_to("/gone/python")
    if state == "without pip":
        python.unlink()
        python.symlink_to(sys.executable)
        python.with_name("pip").unlink()
    for stamp in ("serve.stamp", "dev.stamp"):
        (clone / ".venv" / stamp).touch()
    planned = make(clone, "--dry-run", "test", f"PYTHON={sys.executable}").stdout.splitlines()
    assert planned[0] == "rm -rf .venv"
    assert planned[1].startswith(f"{sys.executable} -m venv .venv")
    assert [line for line in planned if "requirements-dev.txt" in line]


def test_environment_that_cannot_be_made_is_not_left_behind(clone: Path) -> None:
    begun = "mkdir -p .venv/bin; exit 1"
    python = script(clone / "python", f'[ "$1" = -c ] && exec {sys.executable} "$@"\n{begun}')
    assert make(clone, "serve", f"PYTHON={python}").returncode != 0
    assert not (clone / ".venv").exists()
