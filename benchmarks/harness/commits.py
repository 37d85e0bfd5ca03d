"""A commit of this repository becomes a Peer that runs that commit's code and models."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import peers
from benchmarks.harness.peers import Peer


@contextmanager
def unpacked(commit: str) -> Iterator[Path]:
    """Unpacks the files of `commit` into a temporary folder."""
    done = subprocess.run(["git", "archive", commit], check=True, capture_output=True)
    with TemporaryDirectory(prefix=f"convlens-{commit}-") as folder:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def server(commit: str, folder: Path) -> Peer:
    """convlens at `commit`, unpacked in `folder`, with the libraries of the running interpreter."""
    today = peers.read("convlens")
    command = ("env", "--chdir", str(folder), *today.command)
    changes = {
        "title": f"convlens at {commit}",
        "name": f"convlens-{commit}",
        "command": command,
        "environment": {"PYTHONPATH": str(folder)},
    }
    return today.model_copy(update=changes)
