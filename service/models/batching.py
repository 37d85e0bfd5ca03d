"""Images of concurrent requests become one batch for the model; each request gets its rows back.

Batching is greedy and adds no delay: whatever waits when the model is free goes next. A batch that
is computed faster than a thread could take it over is computed on the event loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from service.errors import Busy
from service.observability import metrics, tracing

MAX_BATCH = 64
"""Images in one batch."""

Images = NDArray[np.uint8]
Rows = NDArray[np.float32]
_Job = tuple[Images, asyncio.Future[Rows], float]


class Batcher:
    """Calls `run`, uint8 images (n, h, w, c) → float32 rows (n, …), one batch at a time.

    At most `limit` images wait; a call that would exceed it raises Busy. Batches of up to `inline`
    images run on the event loop, larger ones on `executor`.
    """

    def __init__(
        self, run: Callable[[Images], Rows], executor: Executor, limit: int, inline: int = 0
    ) -> None:
        self._run = run
        self._executor = executor
        self._limit = limit
        self._inline = inline
        self._queue: deque[_Job] = deque()
        self._waiting = 0
        self._working = False
        self._computed = (0.0, 0.0)

    async def __call__(self, images: Images) -> Rows:
        """The rows of `images`, in their order; raises Busy when the queue is full."""
        # With an empty queue any request is accepted: one larger than the limit would never fit.
        if self._waiting and self._waiting + len(images) > self._limit:
            self._drop_cancelled()
        if self._waiting and self._waiting + len(images) > self._limit:
            raise Busy(
                f"{self._waiting} images wait for this model already. Send this again in a second."
            )
        if len(images) <= MAX_BATCH:
            return await self._enqueue(images)
        pieces = [images[i : i + MAX_BATCH] for i in range(0, len(images), MAX_BATCH)]
        return np.concatenate(await asyncio.gather(*map(self._enqueue, pieces)))

    @property
    def waiting(self) -> int:
        """Number of images that wait for the model."""
        return self._waiting

    def _drop_cancelled(self) -> None:
        """Take jobs whose caller has left out of the queue."""
        self._queue = deque(job for job in self._queue if not job[1].done())
        self._waiting = sum(len(images) for images, _, _ in self._queue)

    def _enqueue(self, images: Images) -> asyncio.Future[Rows]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Rows] = loop.create_future()
        now = time.perf_counter()
        self._queue.append((images, future, now))
        if tracing.is_wanted():
            future.add_done_callback(lambda _: self._trace(now))
        self._waiting += len(images)
        if not self._working:
            self._working = True
            # Runs at the end of this turn of the loop, when all requests that arrived are queued.
            loop.call_soon(self._next)
        return future

    def _next(self) -> None:
        """Compute the next batch, then schedule this again until nothing waits."""
        jobs, count = self._take()
        self._working = bool(jobs)
        if not jobs:
            return
        metrics.BATCHES.observe(count)
        began = time.perf_counter()
        for _, _, queued in jobs:
            metrics.QUEUE.observe(began - queued)
        loop = asyncio.get_running_loop()
        if count > self._inline:
            computed = loop.run_in_executor(self._executor, self._compute, jobs)
            computed.add_done_callback(lambda computed: self._deliver(jobs, computed))
            return
        done: asyncio.Future[list[Rows]] = loop.create_future()
        try:
            done.set_result(self._compute(jobs))
        except Exception as problem:
            done.set_exception(problem)
        self._deliver(jobs, done)

    def _deliver(self, jobs: Sequence[_Job], computed: asyncio.Future[list[Rows]]) -> None:
        problem = computed.exception()
        for place, (_, future, _) in enumerate(jobs):
            if future.done():
                continue
            if problem is not None:
                future.set_exception(problem)
            else:
                future.set_result(computed.result()[place])
        self._working = bool(self._queue)
        if self._working:
            asyncio.get_running_loop().call_soon(self._next)

    def _trace(self, queued: float) -> None:
        """Record the spans of a job; runs in its request's context, before the next batch."""
        began, ended = self._computed
        tracing.record("queue", queued, began)
        tracing.record("model", began, ended)

    def _take(self) -> tuple[list[_Job], int]:
        """The next jobs, at most `MAX_BATCH` images together, and their number of images."""
        jobs: list[_Job] = []
        count = 0
        while self._queue and count + len(self._queue[0][0]) <= MAX_BATCH:
            job = images, future, _ = self._queue.popleft()
            self._waiting -= len(images)
            if not future.done():  # Nothing is computed for a caller that has left.
                jobs.append(job)
                count += len(images)
        return jobs, count

    def _compute(self, jobs: Sequence[_Job]) -> list[Rows]:
        began = time.perf_counter()
        batch = [images for images, _, _ in jobs]
        rows = self._run(batch[0] if len(batch) == 1 else np.concatenate(batch))
        ended = time.perf_counter()
        metrics.MODEL.observe(ended - began)
        self._computed = began, ended
        if len(batch) == 1:
            return [rows]
        ends = list(accumulate(map(len, batch)))
        return [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)]
