"""The name mnist or cifar10 becomes uint8 images and labels: training, validation and test."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from service.manifest import Preparation
from training.errors import DataError

VALIDATION = 5_000
"""Number of training images that are held out by default."""
ARRAYS = ("x_train", "y_train", "x_test", "y_test")

LABELS: dict[str, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "cifar10": (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
}
SHAPES: dict[str, tuple[int, int, int]] = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
PREPARATIONS: dict[str, Preparation] = {"mnist": "digit", "cifar10": "photo"}


@dataclass(frozen=True)
class Split:
    """Images, uint8 (n, h, w, c) in 0..255, and their label indices, int64 (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """The three splits of a data set. Reported figures are over `test` alone."""

    labels: tuple[str, ...]
    preparation: Preparation
    train: Split
    validation: Split
    test: Split
    remark: str | None = None
    """What a reader of the test figures must know, such as how the test images were chosen."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        h, w, c = self.train.images.shape[1:]
        return h, w, c


def load(name: str, folder: Path | None = None, validation: int = VALIDATION) -> Dataset:
    """The data set `name` from `folder`/`name`.npz, or downloaded by keras.datasets if None.

    The last `validation` training images, at most a tenth of them, become the validation split.
    Raises DataError for an unknown name, a failed download, and a missing or damaged file.
    """
    if name not in SHAPES:
        raise DataError(f"There is no data set {name!r}; there is: {', '.join(SHAPES)}.")
    arrays = _download(name) if folder is None else _read(folder / f"{name}.npz")
    splits = {part: _split(name, arrays, part) for part in ("train", "test")}
    train = splits["train"]
    held_out = min(validation, len(train) // 10)
    if held_out == 0:
        raise DataError(
            f"{len(train)} training images are too few: a tenth is held out for validation."
        )
    return Dataset(
        labels=LABELS[name],
        preparation=PREPARATIONS[name],
        train=Split(train.images[:-held_out], train.labels[:-held_out]),
        validation=Split(train.images[-held_out:], train.labels[-held_out:]),
        test=splits["test"],
    )


def _download(name: str) -> dict[str, NDArray[Any]]:
    import keras

    module = {"mnist": keras.datasets.mnist, "cifar10": keras.datasets.cifar10}[name]
    try:
        (x_train, y_train), (x_test, y_test) = module.load_data()
    except Exception as problem:  # Keras raises a plain Exception if a download fails.
        raise DataError(
            f"{name} could not be downloaded ({problem}). If you have a copy, set --data to the"
            f" folder of {name}.npz."
        ) from problem
    return dict(zip(ARRAYS, (x_train, y_train, x_test, y_test), strict=True))


def _read(path: Path) -> dict[str, NDArray[Any]]:
    if not path.parent.is_dir():
        raise DataError(f"There is no folder {path.parent}.")
    try:
        with open(path, "rb") as opened, NpzFile(opened, allow_pickle=False) as file:
            return {name: file[name] for name in ARRAYS}
    except FileNotFoundError as problem:
        raise DataError(f"There is no {path.name} in {path.parent}.") from problem
    except KeyError as problem:
        raise DataError(f"{path} lacks an array; it must hold {', '.join(ARRAYS)}.") from problem
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as problem:
        raise DataError(f"{path} is damaged or not an .npz: {problem}. Copy it again.") from problem


def _split(name: str, arrays: dict[str, NDArray[Any]], part: str) -> Split:
    images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"].reshape(-1)
    height, width, channels = SHAPES[name]
    if images.ndim == 3 and channels == 1:
        images = images[..., np.newaxis]
    if images.dtype != np.uint8 or images.shape[1:] != (height, width, channels):
        raise DataError(
            f"x_{part} is {images.dtype} {images.shape}; {name} has uint8 images of"
            f" {height}×{width}×{channels}."
        )
    if len(images) != len(labels) or len(labels) == 0:
        raise DataError(f"x_{part} has {len(images)} images and y_{part} {len(labels)} labels.")
    if not np.issubdtype(labels.dtype, np.integer) or not _in_range(labels, len(LABELS[name])):
        raise DataError(f"y_{part} must hold whole numbers from 0 to {len(LABELS[name]) - 1}.")
    return Split(images, labels.astype(np.int64))


def _in_range(labels: NDArray[Any], classes: int) -> bool:
    return bool(labels.min() >= 0 and labels.max() < classes)
