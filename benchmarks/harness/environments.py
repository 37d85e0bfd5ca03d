"""A peer's requirements become an environment of its own, outside the repository."""

import subprocess
import sys
from pathlib import Path
from typing import Protocol

DEFAULT = Path.home() / ".cache" / "convlens-benchmarks"


class Needy(Protocol):
    """What may have a `requirements.txt` in its folder."""

    @property
    def name(self) -> str:
        """Of its environment."""

    @property
    def folder(self) -> Path:
        """Where its requirements are."""


class NotInstallable(Exception):
    """A peer's requirements cannot be met on this machine."""


def python_of(peer: Needy, environments: Path) -> Path:
    """The interpreter of `peer`: the running one for what has no requirements of its own."""
    if not (peer.folder / "requirements.txt").exists():
        return Path(sys.executable)
    return environments / peer.name / "bin" / "python"


def install(peer: Needy, environments: Path) -> Path:
    """Make the environment of `peer` if it is missing or was made for other requirements.

    Raises NotInstallable with the installer's last words.
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
