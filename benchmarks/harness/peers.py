"""A folder `peers/NAME/` becomes a Peer: how a server is installed, started and asked."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parents[1] / "servers" / "peers"


class Ask(BaseModel):
    """A way to ask a server: where, with which body, with how many images each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    body: str
    field: str = "file"
    images: tuple[int, ...] = (1,)


class Peer(BaseModel):
    """What `peer.toml` says. `{port}`, `{workers}`, `{model}` in the command are filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    command: tuple[str, ...]
    asks: tuple[Ask, ...]
    environment: dict[str, str] = {}
    answers: bool = True
    remark: str = ""

    name: str
    folder: Path


def read(name: str) -> Peer:
    """The peer in `peers/name/`."""
    folder = FOLDER / name
    values = tomllib.loads((folder / "peer.toml").read_text())
    return Peer(**values, name=name, folder=folder)


def names() -> list[str]:
    """All peers; convlens, to which the others are compared, first."""
    found = sorted(path.parent.name for path in FOLDER.glob("*/peer.toml"))
    return ["convlens", *(name for name in found if name != "convlens")]
