"""Occlusion against the logits of the network itself."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from service.introspection import occlusion
from service.models.model import Model
from service.settings import Settings

MODELS = Path(__file__).parents[3] / "models"


@pytest.mark.parametrize("name", ["mnist", "mnist-lecture"])
def test_heatmap_is_how_far_each_patch_lowers_the_logit(name: str) -> None:
    """With an out-of-distribution score behind the probabilities (`mnist`) and without one."""
    pixels = np.random.default_rng(7).integers(0, 256, (28, 28, 1), np.uint8)
    with ThreadPoolExecutor(1) as executor:
        model = Model(MODELS / name / "1", executor, Settings())
        found = asyncio.run(occlusion.explain(model, pixels, [3, 7]))
        covered = np.stack([pixels, *occlusion._covered(pixels)])
        logits = model.network.activations(covered)["logits"] / model.manifest.temperature
    logits = logits - logits.mean(axis=1, keepdims=True)
    drops = np.maximum(logits[0, [3, 7]] - logits[1:, [3, 7]], 0).T.reshape(2, 14, 14)
    assert found.max() > 0
    assert np.abs(found - drops).max() < 1e-3
