"""A folder with one folder per class becomes labels, in any language, and the files of each."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from training.errors import DataError

MAX_LABEL_LENGTH = 80
"""In characters."""
REFUSED_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories: control characters, surrogates (undecodable bytes), line separators."""
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the writing direction of the text around them."""


@dataclass(frozen=True)
class Classes:
    """Labels in alphabetical order and, for each, the sorted paths of its files."""

    labels: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]


def find(folder: Path) -> Classes:
    """The classes in `folder`: each folder in it that is not hidden. Raises DataError."""
    found: dict[str, tuple[Path, ...]] = {}
    for one in _folders(folder):
        label = _label(one)
        if label in found:
            raise DataError(f"Two folders in {folder} have the label {label!r}: merge them.")
        found[label] = tuple(sorted(path for path in one.iterdir() if _may_be_image(path)))
    for label, files in found.items():
        if not files:
            raise DataError(f"The class {label!r} in {folder} is empty: add images or remove it.")
    labels = tuple(sorted(found))
    return Classes(labels, tuple(found[label] for label in labels))


def show(path: Path) -> str:
    """`path` as text, escaped if it has characters that a terminal cannot show."""
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(
            one for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")
        )
    except OSError as problem:
        raise DataError(f"{folder} cannot be read: {problem.strerror}.") from problem


def _label(folder: Path) -> str:
    """The folder's name in Unicode's form NFC, because file systems store accents differently."""
    label = unicodedata.normalize("NFC", folder.name).strip()
    bad = any(
        unicodedata.category(one) in REFUSED_CATEGORIES or one in BIDI_CONTROLS for one in label
    )
    if bad or not label:
        raise DataError(
            f"The name of the folder {show(folder)} cannot be shown: rename it without control"
            " characters."
        )
    if len(label) > MAX_LABEL_LENGTH:
        raise DataError(
            f"The label {label[:20]!r}… has {len(label)} characters; at most"
            f" {MAX_LABEL_LENGTH} are allowed. Give its folder a shorter name."
        )
    return label


def _may_be_image(path: Path) -> bool:
    """Whether `path` is a file that is neither hidden nor one that Windows adds to folders."""
    hidden = path.name.startswith(".") or path.name in ("Thumbs.db", "desktop.ini")
    return not hidden and path.is_file()
