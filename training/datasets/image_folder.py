"""A folder of images, train/<class>/* and perhaps test/<class>/*, becomes a data set.

Every image takes the way of an upload, so that training sees what serving will see.
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
from service.images import decode
from service.images import prepare as preparation
from service.images.decode import Limits
from service.manifest import Preparation
from training.datasets import class_folders
from training.datasets.class_folders import Classes
from training.datasets.named import Dataset, Split
from training.errors import DataError

TEST_SHARE = 5
VALIDATION_SHARE = 8
"""One image in so many, of each class, is held back; one at least."""
MOST_BYTES = 2 * 2**30
"""Of prepared images, which are all held in memory."""
AT_ONCE = 256
SHOWN = 20


@dataclass
class _Read:
    """The images of one part by class, and the files that gave none with the reason."""

    labels: tuple[str, ...]
    images: list[NDArray[np.uint8]]
    skipped: list[tuple[Path, str]] = field(default_factory=list)


def load(
    folder: Path,
    shape: tuple[int, int, int],
    how: Preparation,
    console: Console,
    *,
    seed: int = 1,
    limits: Limits | None = None,
) -> Dataset:
    """The images of `folder`, prepared `how` an upload is, as `shape` (h, w, c).

    Without `folder`/test, one image in TEST_SHARE of each class becomes a test image; of the other
    training images, one in VALIDATION_SHARE chooses the epoch. Files that cannot be read are
    listed and left out. Raises DataError.
    """
    limits = limits or Limits()
    found = _find(folder, "train")
    has_test = (folder / "test").is_dir()
    tests = _find(folder, "test") if has_test else None
    if tests is not None:
        _require_same(found, tests)
    _require_room([found, tests] if tests else [found], shape)
    train = _read(found, shape, how, limits, console, "train")
    random = np.random.default_rng(seed)
    if tests is None:
        train, test = _part(train, TEST_SHARE, random)
    else:
        test = _read(tests, shape, how, limits, console, "test")
    train, validation = _part(train, VALIDATION_SHARE, random)
    _tell(console, train, validation, test)
    return Dataset(
        labels=found.labels,
        preparation=how,
        train=_join(train),
        validation=_join(validation),
        test=_join(test),
        remark=None
        if has_test
        else f"one image in {TEST_SHARE} of each class, set aside by chance",
    )


def _find(folder: Path, part: str) -> Classes:
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    if not (folder / part).is_dir():
        raise DataError(
            f"There is no folder {part} in {folder}: put the images of each class into"
            f" {folder}/{part}/CLASS/."
        )
    found = class_folders.find(folder / part)
    if not found.labels:
        raise DataError(f"{folder / part} has no folders: put each class's images into one.")
    if len(found.labels) == 1:
        raise DataError(
            f"{folder / part} has one class, {found.labels[0]!r}: a second is needed to tell apart."
        )
    return found


def _require_same(train: Classes, test: Classes) -> None:
    for one, other, names in ((train, test, "train but not in test"), (test, train, "test only")):
        if missing := sorted(set(one.labels) - set(other.labels)):
            raise DataError(
                f"Classes in {names}: {', '.join(map(repr, missing))}. Both need the same folders;"
                " without a folder test, some of train's images are set aside."
            )


def _require_room(parts: Sequence[Classes], shape: tuple[int, int, int]) -> None:
    count = sum(len(files) for part in parts for files in part.files)
    needed = count * shape[0] * shape[1] * shape[2]
    if needed > MOST_BYTES:
        raise DataError(
            f"{count:,} images of {shape[0]}×{shape[1]}×{shape[2]} take {needed / 2**30:.1f} GiB;"
            f" at most {MOST_BYTES / 2**30:.0f} are held. Choose a smaller --size or --grey."
        )


def _read(
    found: Classes,
    shape: tuple[int, int, int],
    how: Preparation,
    limits: Limits,
    console: Console,
    part: str,
) -> _Read:
    total = sum(len(files) for files in found.files)
    read = _Read(found.labels, [np.empty((len(files), *shape), np.uint8) for files in found.files])
    counts = [0] * len(found.labels)
    prepared = _prepared(found, shape, how, limits)
    everything = track(prepared, f"Reading {part}", total, console=console)
    for index, path, outcome in everything:
        if isinstance(outcome, str):
            read.skipped.append((path, outcome))
        else:
            read.images[index][counts[index]] = outcome
            counts[index] += 1
    _list(console, read.skipped)
    for index, label in enumerate(found.labels):
        if not counts[index]:
            raise DataError(
                f"No image of the class {label!r} in {part} can be read; see the list above."
            )
        read.images[index] = read.images[index][: counts[index]]
    return read


def _prepared(
    found: Classes, shape: tuple[int, int, int], how: Preparation, limits: Limits
) -> Iterator[tuple[int, Path, NDArray[np.uint8] | str]]:
    """Class, file, and its pixels or why there are none; few files are in memory at a time."""

    def prepare(file: tuple[int, Path]) -> tuple[int, Path, NDArray[np.uint8] | str]:
        try:
            if file[1].stat().st_size > limits.bytes:
                return *file, f"larger than {limits.bytes:,} bytes"
            picture = decode.decode(decode.open_image(file[1].read_bytes(), limits))
            return *file, preparation.prepare(picture, how, shape).pixels
        except ServiceError as problem:
            return *file, problem.detail
        except OSError as problem:
            return *file, str(problem.strerror)

    files = ((index, path) for index, paths in enumerate(found.files) for path in paths)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        while some := list(islice(files, AT_ONCE)):
            yield from threads.map(prepare, some)


def _list(console: Console, skipped: Sequence[tuple[Path, str]]) -> None:
    for path, reason in skipped[:SHOWN]:
        console.print(f"Skipped {class_folders.show(path)}: {reason}", markup=False, soft_wrap=True)
    if len(skipped) > SHOWN:
        console.print(f"Skipped {len(skipped) - SHOWN} more.")


def _part(read: _Read, share: int, random: np.random.Generator) -> tuple[_Read, _Read]:
    """`read` without one image in `share` of each class, and those."""
    kept, taken = [], []
    for label, images_of in zip(read.labels, read.images, strict=True):
        if len(images_of) < 2:
            raise DataError(
                f"The class {label!r} has too few images to hold some back: three at least, or two"
                " beside a folder test."
            )
        order = random.permutation(len(images_of))
        count = max(1, len(images_of) // share)
        kept.append(images_of[order[count:]])
        taken.append(images_of[order[:count]])
    return _Read(read.labels, kept), _Read(read.labels, taken)


def _join(read: _Read) -> Split:
    labels = np.repeat(np.arange(len(read.labels)), [len(one) for one in read.images])
    return Split(np.concatenate(read.images), labels.astype(np.int64))


def _tell(console: Console, train: _Read, validation: _Read, test: _Read) -> None:
    table = Table("class", "train", "validation", "test")
    for i, label in enumerate(train.labels):
        counts = (str(len(part.images[i])) for part in (train, validation, test))
        table.add_row(label, *counts)
    console.print(table)
