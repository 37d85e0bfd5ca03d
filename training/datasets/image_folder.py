"""A folder of images, train/<class>/* and optionally test/<class>/*, becomes a data set.

Every image is read by the code that reads uploads, so that a network is trained on what it will
get when it is served.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from service.errors import ServiceError
from service.images import decode, prepare
from service.images.decode import Limits
from service.manifest import Preparation
from training.datasets import class_folders
from training.datasets.class_folders import Classes
from training.datasets.named import Dataset, Split
from training.errors import DataError

TEST_ONE_IN = 5
"""One image in so many of each class, but at least one, is held out for testing."""
VALIDATION_ONE_IN = 8
"""One training image in so many of each class, but at least one, is held out for validation."""
MOST_BYTES = 2 * 2**30
"""Most bytes of prepared images, which are all held in memory."""
BATCH = 256
"""Files that are read at a time."""
MOST_LISTED = 20
"""Most skipped files that are listed."""

Pixels = NDArray[np.uint8]


@dataclass
class _Images:
    """The images (n, h, w, c) of each class, and each file that was skipped with the reason."""

    labels: tuple[str, ...]
    images: list[Pixels]
    skipped: list[tuple[Path, str]] = field(default_factory=list)


def load(
    folder: Path,
    shape: tuple[int, int, int],
    preparation: Preparation,
    console: Console,
    *,
    seed: int = 1,
    limits: Limits | None = None,
) -> Dataset:
    """The images of `folder`, prepared like uploads, as uint8 of `shape` (h, w, c).

    If there is no `folder`/test, one image in TEST_ONE_IN of each class becomes a test image. One
    in VALIDATION_ONE_IN of the remaining training images is held out for validation. Files that
    cannot be read are listed and skipped. Raises DataError if a folder is missing or empty, a class
    has too few images, or the images do not fit into memory.
    """
    limits = limits or Limits()
    train_files = _find(folder, "train")
    has_test = (folder / "test").is_dir()
    test_files = _find(folder, "test") if has_test else None
    if test_files is not None:
        _require_same_labels(train_files, test_files)
    _require_memory([train_files, test_files] if test_files else [train_files], shape)
    train = _read(train_files, shape, preparation, limits, console, "train")
    random = np.random.default_rng(seed)
    if test_files is None:
        train, test = _hold_out(train, TEST_ONE_IN, random)
    else:
        test = _read(test_files, shape, preparation, limits, console, "test")
    train, validation = _hold_out(train, VALIDATION_ONE_IN, random)
    _print_counts(console, train, validation, test)
    return Dataset(
        labels=train_files.labels,
        preparation=preparation,
        train=_join(train),
        validation=_join(validation),
        test=_join(test),
        remark=None if has_test else f"one image in {TEST_ONE_IN} of each class, chosen at random",
    )


def _find(folder: Path, split: str) -> Classes:
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    if not (folder / split).is_dir():
        raise DataError(
            f"There is no folder {split} in {folder}: put the images of each class into"
            f" {folder}/{split}/CLASS/."
        )
    found = class_folders.find(folder / split)
    if not found.labels:
        raise DataError(f"{folder / split} has no folders: put each class's images into one.")
    if len(found.labels) == 1:
        raise DataError(
            f"{folder / split} has only one class, {found.labels[0]!r}; at least two are needed."
        )
    return found


def _require_same_labels(train: Classes, test: Classes) -> None:
    for one, other, names in ((train, test, "train but not in test"), (test, train, "test only")):
        if missing := sorted(set(one.labels) - set(other.labels)):
            raise DataError(
                f"Classes in {names}: {', '.join(map(repr, missing))}. Both need the same folders;"
                " without a folder test, some of train's images are held out for testing."
            )


def _require_memory(splits: Sequence[Classes], shape: tuple[int, int, int]) -> None:
    count = sum(len(files) for split in splits for files in split.files)
    needed = count * shape[0] * shape[1] * shape[2]
    if needed > MOST_BYTES:
        raise DataError(
            f"{count:,} images of {shape[0]}×{shape[1]}×{shape[2]} take {needed / 2**30:.1f} GiB;"
            f" at most {MOST_BYTES / 2**30:.0f} are held. Choose a smaller --size or --grey."
        )


def _read(
    classes: Classes,
    shape: tuple[int, int, int],
    preparation: Preparation,
    limits: Limits,
    console: Console,
    split: str,
) -> _Images:
    total = sum(len(files) for files in classes.files)
    read = _Images(
        classes.labels, [np.empty((len(one), *shape), np.uint8) for one in classes.files]
    )
    counts = [0] * len(classes.labels)
    prepared = _prepared(classes, shape, preparation, limits)
    for index, path, outcome in track(prepared, f"Reading {split}", total, console=console):
        if isinstance(outcome, str):
            read.skipped.append((path, outcome))
        else:
            read.images[index][counts[index]] = outcome
            counts[index] += 1
    _print_skipped(console, read.skipped)
    for index, label in enumerate(classes.labels):
        if not counts[index]:
            raise DataError(
                f"No image of the class {label!r} in {split} can be read; see the list above."
            )
        read.images[index] = read.images[index][: counts[index]]
    return read


def _prepared(
    classes: Classes, shape: tuple[int, int, int], preparation: Preparation, limits: Limits
) -> Iterator[tuple[int, Path, Pixels | str]]:
    """Each file's class index and path, and its pixels or the reason why it is skipped.

    Reads BATCH files at a time, which bounds the memory of the files themselves.
    """

    def read(file: tuple[int, Path]) -> tuple[int, Path, Pixels | str]:
        try:
            if file[1].stat().st_size > limits.bytes:
                return *file, f"larger than {limits.bytes:,} bytes"
            picture = decode.decode(decode.open_image(file[1].read_bytes(), limits))
            return *file, prepare.prepare(picture, preparation, shape).pixels
        except ServiceError as problem:
            return *file, problem.detail
        except OSError as problem:
            return *file, str(problem.strerror)

    files = ((index, path) for index, paths in enumerate(classes.files) for path in paths)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        while batch := list(islice(files, BATCH)):
            yield from threads.map(read, batch)


def _print_skipped(console: Console, skipped: Sequence[tuple[Path, str]]) -> None:
    for path, reason in skipped[:MOST_LISTED]:
        console.print(f"Skipped {class_folders.show(path)}: {reason}", markup=False, soft_wrap=True)
    if len(skipped) > MOST_LISTED:
        console.print(f"Skipped {len(skipped) - MOST_LISTED} more.")


def _hold_out(read: _Images, one_in: int, random: np.random.Generator) -> tuple[_Images, _Images]:
    """The images that are kept, and those held out: one in `one_in` of each class."""
    kept, held_out = [], []
    for label, images in zip(read.labels, read.images, strict=True):
        if len(images) < 2:
            raise DataError(
                f"The class {label!r} has too few images to hold some out: it needs three, or two"
                " if there is a folder test."
            )
        order = random.permutation(len(images))
        count = max(1, len(images) // one_in)
        kept.append(images[order[count:]])
        held_out.append(images[order[:count]])
    return _Images(read.labels, kept), _Images(read.labels, held_out)


def _join(read: _Images) -> Split:
    labels = np.repeat(np.arange(len(read.labels)), [len(one) for one in read.images])
    return Split(np.concatenate(read.images), labels.astype(np.int64))


def _print_counts(console: Console, train: _Images, validation: _Images, test: _Images) -> None:
    table = Table("class", "train", "validation", "test")
    for i, label in enumerate(train.labels):
        table.add_row(label, *(str(len(split.images[i])) for split in (train, validation, test)))
    console.print(table)
