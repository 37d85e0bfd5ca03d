"""Data sets are split into three parts, and unusable files are refused with a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.exported_models import write_npz
from training.datasets import named
from training.errors import DataError


def test_last_tenth_of_few_training_images_is_held_back(tmp_path: Path) -> None:
    write_npz(tmp_path / "mnist.npz", count=40)
    dataset = named.load("mnist", tmp_path)
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [36, 4, 40]
    whole = np.load(tmp_path / "mnist.npz")
    assert (dataset.validation.images[..., 0] == whole["x_train"][36:]).all()
    assert (dataset.train.labels == whole["y_train"][:36]).all()
    assert (dataset.test.images[..., 0] == whole["x_test"]).all()


def test_stated_number_of_images_is_held_back(tmp_path: Path) -> None:
    write_npz(tmp_path / "mnist.npz", count=40)
    assert len(named.load("mnist", tmp_path, 2).validation) == 2


@pytest.mark.parametrize(("name", "shape"), [("mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
def test_images_have_channels_and_labels_have_names(
    name: str, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    write_npz(tmp_path / f"{name}.npz")
    dataset = named.load(name, tmp_path)
    assert dataset.shape == shape
    assert len(dataset.labels) == 10
    assert dataset.remark is None


def test_labels_in_a_column_are_read_as_keras_gives_them(tmp_path: Path) -> None:
    column = np.arange(40, dtype=np.uint8).reshape(-1, 1) % 10
    write_npz(tmp_path / "cifar10.npz", y_test=column)
    assert named.load("cifar10", tmp_path).test.labels.tolist() == column[:, 0].tolist()


def _truncate(path: Path) -> None:
    write_npz(path)
    path.write_bytes(path.read_bytes()[:5000])


def _corrupt(path: Path) -> None:
    write_npz(path)
    raw = bytearray(path.read_bytes())
    raw[2000:2100] = bytes(100)
    path.write_bytes(raw)


def _plain_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _pickle(path: Path) -> None:
    write_npz(path, y_test=np.array([{}] * 40, dtype=object))


def _wrong(**replaced: Any) -> Callable[[Path], None]:
    return lambda path: write_npz(path, **replaced)


UNUSABLE: list[tuple[Callable[[Path], object], str]] = [
    (_truncate, "damaged"),
    (_corrupt, "damaged"),
    (_plain_array, "damaged"),
    (_pickle, "damaged"),
    (lambda path: path.write_bytes(b""), "damaged"),
    (lambda path: path.write_text("x_train"), "damaged"),
    (lambda path: path.mkdir(), "damaged"),
    (_wrong(x_test=None), "lacks an array"),
    (_wrong(x_train=np.zeros((40, 27, 28), np.uint8)), "28×28×1"),
    (_wrong(x_train=np.zeros((40, 28, 28, 3), np.uint8)), "28×28×1"),
    (_wrong(x_train=np.zeros((40, 28, 28))), "float64"),
    (_wrong(y_train=np.zeros(39, np.uint8)), "39 labels"),
    (_wrong(y_test=np.full(40, 10, np.uint8)), "from 0 to 9"),
    (_wrong(y_test=np.full(40, -1)), "from 0 to 9"),
    (_wrong(y_test=np.zeros(40)), "from 0 to 9"),
    (_wrong(x_test=np.zeros((0, 28, 28), np.uint8), y_test=np.zeros(0, np.uint8)), "0 images"),
    (lambda path: write_npz(path, count=9), "validation"),
    (lambda path: None, "There is no mnist.npz"),
]


@pytest.mark.parametrize(("write", "words"), UNUSABLE)
def test_unusable_file_is_refused(
    write: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    write(tmp_path / "mnist.npz")
    with pytest.raises(DataError, match=words):
        named.load("mnist", tmp_path)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        named.load("mnist", tmp_path / "nowhere")


def test_failed_download_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise Exception("URL fetch failure on https://example.invalid: None -- unreachable")

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", refuse)
    with pytest.raises(DataError, match=r"could not be downloaded .* --data"):
        named.load("cifar10")


def test_download_of_keras_is_used_without_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10
    given = (images, labels), (images[:5], labels[:5])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: given)
    dataset = named.load("mnist")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (18, 2, 5)
