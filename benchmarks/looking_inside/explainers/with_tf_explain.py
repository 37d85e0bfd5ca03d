"""tf-explain 0.3: its extractors, with layer and class given."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tf_explain.core import ExtractActivations, GradCAM, OcclusionSensitivity

from benchmarks.looking_inside.explainers.network import MAPS, build, scaled

PATCH = 2
"""Side of the occluding square: it covers 28×28 pixels at 14×14 positions, as convlens does."""


class Explainer:
    """Calls tf-explain as its documentation does; for the arrays of several layers, its graph."""

    def __init__(self, model: Path, folder: Path) -> None:
        self._network = build(model / "weights.npz")
        self._logits = build(model / "weights.npz", activation=None)
        # `explain` gives one layer as grey pixels, and builds this graph anew in every call.
        self._graph = ExtractActivations.generate_activations_graph(self._network, list(MAPS))
        self._folder = folder

    def maps(self, digit: NDArray[np.uint8]) -> dict[str, Any]:
        found = self._graph.predict(scaled(digit), verbose=0)
        return {name: one[0] for name, one in zip(MAPS, found, strict=True)}

    def picture(self, digit: NDArray[np.uint8]) -> None:
        explainer = ExtractActivations()
        grid = explainer.explain((scaled(digit), None), self._network, ["conv1"])
        explainer.save(grid, str(self._folder), "conv1.png")

    def heat(self, digit: NDArray[np.uint8], label: int) -> Any:
        """Grad-CAM of the logits with all gradients, as in Selvaraju et al. (2017)."""
        outputs, gradients = GradCAM.get_gradients_and_filters(
            self._logits, scaled(digit), "conv2", label, use_guided_grads=False
        )
        return np.maximum(GradCAM.generate_ponderated_output(outputs, gradients)[0], 0)

    def grad_cam(self, digit: NDArray[np.uint8], label: int) -> None:
        explainer = GradCAM()
        grid = explainer.explain((scaled(digit), None), self._network, label, layer_name="conv2")
        explainer.save(grid, str(self._folder), "heat.png")

    def occlusion(self, digit: NDArray[np.uint8], label: int) -> None:
        explainer = OcclusionSensitivity()
        grid = explainer.explain((scaled(digit), None), self._network, label, PATCH)
        explainer.save(grid, str(self._folder), "heat.png")
