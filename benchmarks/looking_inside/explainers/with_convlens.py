"""convlens as a library, without its server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.looking_inside.explainers.network import MAPS
from service.drawing import grid, heatmaps
from service.introspection import occlusion
from service.models.model import Model
from service.models.saved_model import SavedModel
from service.settings import Settings

Digit = NDArray[np.uint8]


class Explainer:
    """Calls the service's functions as its routes do."""

    def __init__(self, model: Path, folder: Path) -> None:
        self._model = Model(model, ThreadPoolExecutor(1), Settings())
        self._saved = SavedModel(model, 1)
        self._labels = self._model.manifest.labels
        self._folder = folder
        self._runner = asyncio.Runner()

    def maps(self, digit: Digit) -> dict[str, Any]:
        found = self._model.network.activations(digit[np.newaxis])
        return {name: found[name][0] for name in MAPS}

    def picture(self, digit: Digit) -> None:
        maps = self._model.network.activations(digit[np.newaxis])["conv1"][0]
        (self._folder / "conv1.png").write_bytes(grid.grid(maps, "mnist-lecture · conv1"))

    def heat(self, digit: Digit, label: int) -> Any:
        return self._saved.grad_cam(digit[np.newaxis], np.array([label], np.int32))[0]

    def grad_cam(self, digit: Digit, label: int) -> None:
        self._write_overlay(digit, self.heat(digit, label)[np.newaxis], label)

    def occlusion(self, digit: Digit, label: int) -> None:
        self._write_overlay(
            digit, self._runner.run(occlusion.explain(self._model, digit, [label])), label
        )

    def _write_overlay(self, digit: Digit, heat: NDArray[np.float32], label: int) -> None:
        png = heatmaps.overlay(digit, heat, [self._labels[label]], "mnist-lecture")
        (self._folder / "heat.png").write_bytes(png)
