"""Files and folders that a command names become the image files among them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""Of the types that are read; what is named itself may be called anything."""

MANY = 20
"""With more than these, a progress bar says how it goes on."""


def listed(places: Iterable[Path]) -> Iterator[Path]:
    """The files among `places`, and the image files below its folders, by name."""
    for place in places:
        if place.is_dir():
            below = sorted(one for one in place.rglob("*") if one.suffix.lower() in SUFFIXES)
            yield from (one for one in below if one.is_file())
        else:
            yield place
