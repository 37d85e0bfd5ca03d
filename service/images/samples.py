"""A preparation and a name become the PNG bytes of a sample picture that ships with the service.

`tools/draw_samples.py` drew the samples.
"""

from functools import cache
from pathlib import Path

from service.errors import NotFound
from service.manifest import Preparation

FOLDER = Path(__file__).parents[1] / "samples"


@cache
def names(preparation: Preparation) -> tuple[str, ...]:
    """The sample names for models with this preparation; the first one is the default."""
    return tuple(sorted(path.stem for path in (FOLDER / preparation).glob("*.png")))


def data(preparation: Preparation, name: str) -> bytes:
    """The PNG file of the sample `name`; raises NotFound, which lists those that ship."""
    if name not in names(preparation):
        raise NotFound("sample", name, names(preparation))
    return (FOLDER / preparation / f"{name}.png").read_bytes()
