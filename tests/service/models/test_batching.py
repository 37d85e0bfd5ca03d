"""Greedy batching: every caller gets its own rows, the queue is bounded."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import Busy
from service.models.batching import MAX_BATCH, Batcher


class Network:
    """Rows that name their image; counts its calls and can be held up."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.go.wait(10)
        self.sizes.append(len(images))
        return images[:, 0, 0].astype(np.float32)


def images(*values: int) -> NDArray[np.uint8]:
    return np.array(values, np.uint8).reshape(-1, 1, 1, 1)


@asynccontextmanager
async def batching(limit: int = 1000) -> AsyncIterator[tuple[Network, Batcher]]:
    network = Network()
    with ThreadPoolExecutor(1) as executor:
        try:
            yield network, Batcher(network, executor, limit)
        finally:
            network.go.set()


def run(test: Any) -> None:
    asyncio.run(test())


def test_every_caller_gets_its_own_rows() -> None:
    async def test() -> None:
        async with batching() as (network, batcher):
            calls = [list(range(i, i + i % 5 + 1)) for i in range(0, 200, 3)]
            rows = await asyncio.gather(*(batcher(images(*call)) for call in calls))
            assert [row[:, 0].tolist() for row in rows] == calls
            assert max(network.sizes) <= MAX_BATCH
            assert len(network.sizes) < len(calls)

    run(test)


def test_what_waits_while_the_model_works_goes_together() -> None:
    async def test() -> None:
        async with batching() as (network, batcher):
            network.go.clear()
            calls = [asyncio.create_task(batcher(images(i))) for i in range(20)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            network.go.set()
            await asyncio.gather(*calls)
            assert sum(network.sizes) < 40
            assert len(network.sizes) <= 2

    run(test)


@pytest.mark.parametrize("count", [1, 2, 3, MAX_BATCH - 1, MAX_BATCH, MAX_BATCH + 1, 200])
def test_any_number_of_images_comes_back_in_order(count: int) -> None:
    async def test() -> None:
        async with batching() as (_, batcher):
            rows = await batcher(images(*range(count)))
            assert rows[:, 0].tolist() == list(range(count))

    run(test)


def test_full_queue_refuses_and_recovers() -> None:
    async def test() -> None:
        async with batching(limit=5) as (network, batcher):
            network.go.clear()
            first = asyncio.create_task(batcher(images(1)))
            await asyncio.sleep(0.01)
            waiting = [asyncio.create_task(batcher(images(i))) for i in range(5)]
            await asyncio.sleep(0.01)
            with pytest.raises(Busy) as refused:
                await batcher(images(9))
            assert refused.value.headers == {"Retry-After": "1"}
            network.go.set()
            await asyncio.gather(first, *waiting)
            assert (await batcher(images(7)))[:, 0].tolist() == [7]

    run(test)


def test_caller_that_left_is_not_computed_for() -> None:
    async def test() -> None:
        async with batching() as (network, batcher):
            network.go.clear()
            first = asyncio.create_task(batcher(images(1)))
            await asyncio.sleep(0.01)
            leaver, stayer = (asyncio.create_task(batcher(images(i, i))) for i in (2, 3))
            await asyncio.sleep(0.01)
            leaver.cancel()
            await asyncio.sleep(0.01)
            network.go.set()
            await first
            assert (await stayer)[:, 0].tolist() == [3, 3]
            assert network.sizes == [1, 2]

    run(test)


def test_failure_reaches_every_caller_of_the_batch_and_no_other() -> None:
    async def test() -> None:
        failing = True

        def network(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
            if failing:
                raise RuntimeError("no")
            return batch[:, 0, 0].astype(np.float32)

        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(network, executor, 100)
            calls = (batcher(images(i)) for i in range(3))
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(answer) for answer in answers] == [RuntimeError] * 3
            failing = False
            assert (await batcher(images(4)))[:, 0].tolist() == [4]

    run(test)
