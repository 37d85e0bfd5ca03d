"""Networks become their cost: images a second on one core, and milliseconds for one image."""

import time
from collections.abc import Mapping
from statistics import median

import numpy as np
from numpy.typing import NDArray

from service.models.litert import Network

MANY = 64
ROUNDS = 7
SECONDS = 0.25


def compare(
    networks: Mapping[str, Network], shapes: Mapping[str, tuple[int, int, int]]
) -> dict[str, tuple[float, float]]:
    """By name: images a second in batches of MANY, and milliseconds for one image.

    All are measured in turn in each of ROUNDS rounds, so that other load on the machine affects all
    of them alike; the figures are medians of the rounds.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in networks}
    random = np.random.default_rng(1)
    batches = {
        name: random.integers(0, 256, (MANY, *shapes[name]), dtype=np.uint8) for name in networks
    }
    for _ in range(ROUNDS):
        for name, network in networks.items():
            many = _seconds(network, batches[name])
            taken[name].append((many, _seconds(network, batches[name][:1])))
    return {
        name: (MANY / median(many for many, _ in pairs), 1000 * median(one for _, one in pairs))
        for name, pairs in taken.items()
    }


def _seconds(network: Network, images: NDArray[np.uint8]) -> float:
    """The median duration of the calls within SECONDS, in seconds."""
    calls: list[float] = []
    end = time.perf_counter() + SECONDS
    while not calls or time.perf_counter() < end:
        start = time.perf_counter()
        network.classify(images)
        calls.append(time.perf_counter() - start)
    return median(calls)
