"""Tensors of concurrent requests become one batch for the model, and its rows go back to each.

Greedy, without delay: whatever waits when the model is free goes next, padded to one of a few
sizes, so that TensorFlow sees few shapes and all of them can be warmed.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from service.errors import Busy

SIZES = (1, 2, 4, 8, 16, 32, 64)

Images = NDArray[np.uint8]
Rows = NDArray[np.float32]
_Job = tuple[Images, asyncio.Future[Rows]]


class Batcher:
    """Runs `run`, images (n, h, w, c) → rows (n, …), for many callers on one executor.

    At most `limit` images wait; a call that would exceed it is refused with Busy.
    """

    def __init__(self, run: Callable[[Images], Rows], executor: Executor, limit: int) -> None:
        self._run = run
        self._executor = executor
        self._limit = limit
        self._queue: deque[_Job] = deque()
        self._waiting = 0
        self._drain: asyncio.Task[None] | None = None

    async def __call__(self, images: Images) -> Rows:
        """The rows of `images`, in their order; Busy when the queue is full."""
        # An idle model takes any request that its limits let in; only a queue refuses.
        if self._waiting and self._waiting + len(images) > self._limit:
            raise Busy(
                f"{self._waiting} images wait for this model already. Send this again in a second."
            )
        pieces = [images[i : i + SIZES[-1]] for i in range(0, len(images), SIZES[-1])]
        rows = await asyncio.gather(*(self._enqueue(piece) for piece in pieces))
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def warm(self, shape: tuple[int, int, int]) -> None:
        """Run every batch size once, so that no request pays for TensorFlow's first time."""
        for size in SIZES:
            self._run(np.zeros((size, *shape), np.uint8))

    def _enqueue(self, images: Images) -> asyncio.Future[Rows]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Rows] = loop.create_future()
        self._queue.append((images, future))
        self._waiting += len(images)
        if self._drain is None or self._drain.done():
            self._drain = loop.create_task(self._work())
        return future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while jobs := self._take():
            try:
                rows = await loop.run_in_executor(self._executor, self._compute, jobs)
            except Exception as problem:
                for _, future in jobs:
                    if not future.done():
                        future.set_exception(problem)
            else:
                for (_, future), row in zip(jobs, rows, strict=True):
                    if not future.done():
                        future.set_result(row)

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        room = SIZES[-1]
        while self._queue and len(self._queue[0][0]) <= room:
            images, future = self._queue.popleft()
            self._waiting -= len(images)
            if not future.done():  # A caller that left is not computed for.
                jobs.append((images, future))
                room -= len(images)
        return jobs

    def _compute(self, jobs: list[_Job]) -> list[Rows]:
        images = np.concatenate([images for images, _ in jobs]) if len(jobs) > 1 else jobs[0][0]
        count = len(images)
        size = next(size for size in SIZES if size >= count)
        if size > count:
            padding = np.zeros((size - count, *images.shape[1:]), np.uint8)
            images = np.concatenate([images, padding])
        rows = self._run(images)[:count]
        ends = np.cumsum([len(images) for images, _ in jobs])
        return np.split(rows, ends[:-1])
