"""A folder of models becomes the folders of its versions, and a version's checked manifest."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from service.errors import ModelError
from service.manifest import Manifest, digest


def find(models: Path) -> list[Path]:
    """The folders <name>/<version>/ under `models`, sorted by name and version.

    Raises ModelError when `models` is not a folder.
    """
    if not models.is_dir():
        raise ModelError(
            f"There is no models folder {models}. Start where it is, or name it with --models."
        )
    return sorted(_version_folders(models), key=lambda one: (one.parent.name, int(one.name)))


def newest(folders: Iterable[Path], most: int) -> list[Path]:
    """The `most` highest versions of every name among the folders <name>/<version>/."""
    by_name: dict[str, list[Path]] = {}
    for folder in sorted(folders, key=lambda one: int(one.name)):
        by_name.setdefault(folder.parent.name, []).append(folder)
    return [folder for versions in by_name.values() for folder in versions[-most:]]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`; ModelError unless name, version and digest match the files."""
    try:
        manifest = Manifest.read(folder)
        found = digest(folder)
    except OSError as problem:
        raise ModelError(f"{folder} is incomplete: {problem}") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "its whole"
        raise ModelError(f"{folder}/manifest.json: {place}: {first['msg']}") from problem
    place_says = (folder.parent.name, folder.name)
    if (manifest.name, str(manifest.version)) != place_says:
        raise ModelError(f"{folder} holds {manifest.name} version {manifest.version}")
    if found != manifest.digest:
        raise ModelError(f"{folder}: the files are not those that the manifest was written for")
    return manifest


def _version_folders(models: Path) -> Iterable[Path]:
    for name in models.iterdir():
        if name.is_dir() and not name.name.startswith("."):
            yield from (one for one in name.iterdir() if one.is_dir() and one.name.isdecimal())
