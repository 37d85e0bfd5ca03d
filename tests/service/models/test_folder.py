"""The folders of a models folder."""

from pathlib import Path

import pytest

from service.errors import ModelError
from service.models.folder import find


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no models folder"):
        find(tmp_path / "none")


def test_hidden_and_stray_folders_are_no_models(tmp_path: Path) -> None:
    for name in (".hidden/1", "tiny/.2.partial-1", "tiny/notes", "tiny/3"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "README.md").touch()
    assert find(tmp_path) == [tmp_path / "tiny" / "3"]
