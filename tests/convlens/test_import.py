"""`import convlens` from anywhere finds the package that is installed."""

import os
import subprocess
import sys
from pathlib import Path


def test_package_is_found_from_the_folder_above_a_clone(tmp_path: Path) -> None:
    (tmp_path / "convlens").mkdir()  # The clone's own folder, which is not a package.
    installed = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = "import convlens; print(convlens.Client.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "Client", done.stderr
