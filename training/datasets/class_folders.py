"""A folder of folders becomes labels and the files of each, by rules for names of any language."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from training.errors import DataError

LONGEST = 80
"""Characters of a label."""
REFUSED = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's control characters, bytes that are no text, and separators of lines."""
DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the text around them."""


@dataclass(frozen=True)
class Classes:
    """Labels in their order and the files of each, by path."""

    labels: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]


def find(folder: Path) -> Classes:
    """The classes under `folder`: its folders by name, hidden ones left out. Raises DataError."""
    found: dict[str, tuple[Path, ...]] = {}
    for one in _folders(folder):
        label = _label(one)
        if label in found:
            raise DataError(f"Two folders in {folder} are called {label!r}: join them.")
        found[label] = tuple(sorted(path for path in one.iterdir() if _is_candidate(path)))
    for label, files in found.items():
        if not files:
            raise DataError(f"The class {label!r} in {folder} is empty: add images or remove it.")
    labels = tuple(sorted(found))
    return Classes(labels, tuple(found[label] for label in labels))


def show(path: Path) -> str:
    """The path as a terminal can write it."""
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
    """The name as Unicode composes it, so that a disk's way of writing accents does not matter."""
    label = unicodedata.normalize("NFC", folder.name).strip()
    bad = any(unicodedata.category(one) in REFUSED or one in DIRECTIONS for one in label)
    if bad or not label:
        raise DataError(
            f"The folder {show(folder)} has a name that cannot be shown: rename it without control"
            " characters."
        )
    if len(label) > LONGEST:
        raise DataError(
            f"The label {label[:20]!r}… has {len(label)} characters; at most {LONGEST} are served."
            " Give its folder a shorter name."
        )
    return label


def _is_candidate(path: Path) -> bool:
    """Files alone; hidden ones and what Windows puts beside pictures are nobody's images."""
    hidden = path.name.startswith(".") or path.name in ("Thumbs.db", "desktop.ini")
    return not hidden and path.is_file()
