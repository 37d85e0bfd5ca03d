"""keract 4: `get_activations` and `display_activations`."""

from pathlib import Path
from typing import Any

import keract
import matplotlib
import numpy as np
from numpy.typing import NDArray

from benchmarks.looking_inside.explainers.network import MAPS, build, scaled


class Explainer:
    """Calls keract as its README does."""

    def __init__(self, model: Path, folder: Path) -> None:
        matplotlib.use("agg")
        self._network = build(model / "weights.npz")
        self._folder = folder

    def maps(self, digit: NDArray[np.uint8]) -> dict[str, Any]:
        found = keract.get_activations(self._network, scaled(digit), layer_names=list(MAPS))
        return {name: found[name][0] for name in MAPS}

    def picture(self, digit: NDArray[np.uint8]) -> None:
        found = keract.get_activations(self._network, scaled(digit), layer_names="conv1")
        keract.display_activations(found, save=True, directory=str(self._folder))
