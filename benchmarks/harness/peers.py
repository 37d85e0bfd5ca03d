"""Reads `servers/peers/NAME/peer.toml`: how a server is started and which requests it takes.

A peer is convlens or a server that it is compared with.
"""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parents[1] / "servers" / "peers"


class Endpoint(BaseModel):
    """A path of a server, the kind of body that it takes, and the numbers of images in a request.

    `body` is a key of `request_bodies.KINDS`; `field` is the name of the form field.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    body: str
    field: str = "file"
    images: tuple[int, ...] = (1,)


class Peer(BaseModel):
    """What `peer.toml` says; `running_server` fills in `{port}`, `{workers}` and so on.

    `answers` is False for a server without a model, whose answers are not compared.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    command: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
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
    """All peers by name; convlens, with which the others are compared, comes first."""
    found = sorted(path.parent.name for path in FOLDER.glob("*/peer.toml"))
    return ["convlens", *(name for name in found if name != "convlens")]
