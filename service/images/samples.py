"""The pictures that ship with the service: a kind of preparation and a name become a PNG's bytes.

`tools/draw_samples.py` drew them.
"""

from functools import cache
from pathlib import Path

from service.errors import NotFound
from service.manifest import Preparation

FOLDER = Path(__file__).parents[1] / "samples"


@cache
def names(preparation: Preparation) -> tuple[str, ...]:
    """The samples for models of this kind, the one that answers when none is named first."""
    return tuple(sorted(path.stem for path in (FOLDER / preparation).glob("*.png")))


def data(preparation: Preparation, name: str) -> bytes:
    """The file of the sample `name`; NotFound lists those that ship."""
    if name not in names(preparation):
        raise NotFound("sample", name, names(preparation))
    return (FOLDER / preparation / f"{name}.png").read_bytes()
