"""Creates a virtual environment from a peer's requirements.txt, outside the repository."""

import subprocess
import sys
from pathlib import Path
from typing import Protocol

DEFAULT = Path.home() / ".cache" / "convlens-benchmarks"


class HasRequirements(Protocol):
    """Something whose folder may contain a `requirements.txt`."""

    @property
    def name(self) -> str:
        """The folder name of its virtual environment."""

    @property
    def folder(self) -> Path:
        """The folder of its requirements.txt."""


class NotInstallable(Exception):
    """A peer's requirements cannot be installed on this machine."""


def python_of(peer: HasRequirements, environments: Path) -> Path:
    """The interpreter of `peer`: the running one if the peer has no requirements.txt."""
    if not (peer.folder / "requirements.txt").exists():
        return Path(sys.executable)
    return environments / peer.name / "bin" / "python"


def install(peer: HasRequirements, environments: Path) -> Path:
    """Creates the environment of `peer` if it is missing or its requirements have changed.

    Returns the interpreter. Raises NotInstallable with the end of the installer's error output.
    """
    python = python_of(peer, environments)
    if python == Path(sys.executable):
        return python
    wanted = (peer.folder / "requirements.txt").read_text()
    stamp = environments / peer.name / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    home = python.parent.parent
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    _uv("venv", "--quiet", "--allow-existing", "--python", version, str(home))
    required = peer.folder / "requirements.txt"
    _uv("pip", "install", "--quiet", "--python", str(python), "--requirement", str(required))
    stamp.write_text(wanted)
    return python


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run([str(uv), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise NotInstallable(" ".join(done.stderr.split())[-300:])
