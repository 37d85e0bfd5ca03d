"""What a model is sent becomes numbers: how many images, how unfamiliar, which maps are dead."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY

from service.manifest import MapStatistics
from service.models import drift as traffic
from service.models.drift import WINDOW, MapDrift
from service.models.registry import Models
from service.observability import metrics
from service.settings import Settings
from tests.pictures import noise

IMAGES = np.asarray(noise(12, 12, 1))[np.newaxis, ..., np.newaxis]


def number(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def recorded(*zeros: float) -> MapStatistics:
    return MapStatistics(zeros=zeros, minimum=zeros, maximum=zeros, mean=zeros)


def test_maps_are_set_beside_those_of_the_test_set() -> None:
    labels = {"model": "m", "version": "1", "layer": "conv1"}
    drift = MapDrift(recorded(0.5, 0.5, 1, 1), ("m", "1", "conv1"))
    maps = np.ones((2, 2, 4), np.float32)
    maps[..., 1] = maps[..., 3] = 0  # The second died, the third woke, the first has no zero left.
    for _ in range(WINDOW - 1):
        drift.observe(maps)
    assert number("convlens_dead_maps", **labels) is None
    drift.observe(maps)
    assert number("convlens_dead_maps", **labels) == 1
    assert number("convlens_woken_maps", **labels) == 1
    assert number("convlens_map_drift", **labels) == pytest.approx((0.5 + 0.5 + 1 + 0) / 4)
    for _ in range(WINDOW):
        drift.observe(np.array([[[0, 1, 0, 0]]], np.float32))
    assert number("convlens_woken_maps", **labels) == 0


def test_images_of_predictions_are_counted_and_sampled(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "SAMPLE_SECONDS", 0)
    monkeypatch.setattr(traffic, "WINDOW", 3)
    monkeypatch.setattr(traffic, "UNFAMILIAR", -1)
    models = Models(Settings(models=tiny_models, default_model="tiny-digit"))
    labels = {"model": "tiny-digit", "version": "1"}
    metrics.flush()
    before = number("convlens_images_total", **labels) or 0

    async def ask() -> None:
        await models.load()
        model = models.get()
        for _ in range(4):
            await model.batcher(np.repeat(IMAGES, 2, axis=0))
        await model.outputs(IMAGES)  # On the same thread, after the samples.

    asyncio.run(ask())
    metrics.flush()
    assert number("convlens_images_total", **labels) == before + 8
    assert number("convlens_queued_images", **labels) == 0
    # The last map of conv2 is made dead, and the tiny images know it.
    assert number("convlens_dead_maps", **labels, layer="conv2") is not None
    assert number("convlens_woken_maps", **labels, layer="conv2") == 0
    models.close()
