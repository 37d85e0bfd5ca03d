"""The files and folders given to a command become a list of image files."""

from collections.abc import Iterable, Iterator
from pathlib import Path

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""What an image file in a folder ends with; a file given by its own path may have any name."""

MANY = 20
"""With more images than this, a command shows a progress bar."""


def listed(paths: Iterable[Path]) -> Iterator[Path]:
    """The files among `paths`, and the image files in its folders and below, sorted by path."""
    for path in paths:
        if path.is_dir():
            below = sorted(one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES)
            yield from (one for one in below if one.is_file())
        else:
            yield path
