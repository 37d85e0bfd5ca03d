"""A manifest that contradicts itself is refused; one that is written reads back."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.manifest import Manifest, digest

FILES = ("variables/variables.index", "saved_model.pb", "network.tflite", "weights.npz")


@pytest.fixture
def record(tiny_models: Path) -> dict[str, Any]:
    return Manifest.read(tiny_models / "tiny-digit" / "1").model_dump(mode="json")


def test_written_manifest_reads_back(record: dict[str, Any], tmp_path: Path) -> None:
    manifest = Manifest.model_validate(record)
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"name": "../up"}, "name"),
        ({"version": 0}, "version"),
        ({"labels": ["one", "two"]}, "last layer"),
        ({"labels": ["one", "one", "two"]}, "labels are the same"),
        ({"golden": []}, "golden"),
        ({"extra": 1}, "extra"),
    ],
)
def test_inconsistent_manifest_is_refused(
    record: dict[str, Any], change: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValidationError, match=match):
        Manifest.model_validate({**record, **change})


def test_layer_fed_by_a_later_one_is_refused(record: dict[str, Any]) -> None:
    record["layers"][0]["inputs"] = ["output"]
    with pytest.raises(ValidationError, match="do not precede"):
        Manifest.model_validate(record)


def test_repeated_layer_name_is_refused(record: dict[str, Any]) -> None:
    record["layers"][1]["name"] = record["layers"][0]["name"]
    with pytest.raises(ValidationError, match="same name"):
        Manifest.model_validate(record)


@pytest.mark.parametrize("changed", FILES)
def test_digest_changes_with_one_byte(changed: str, tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    for name in FILES:
        (tmp_path / name).write_bytes(b"weights")
    before = digest(tmp_path)
    (tmp_path / changed).write_bytes(b"weightz")
    assert digest(tmp_path) != before
