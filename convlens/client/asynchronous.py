"""The client for programs with an event loop: the same methods, awaited."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import httpx2 as httpx
import numpy as np
from numpy.typing import NDArray

from convlens import progress
from convlens.client import calls, errors, many, retries, sources
from convlens.client.answers import Prediction, Result
from convlens.client.calls import Call, Chosen, Kind, Stage, Subject
from convlens.client.errors import ClientError, Refused
from convlens.client.many import Loaded
from convlens.client.sources import Several, Source

Answer = TypeVar("Answer")
Floats = NDArray[np.float32]


class AsyncClient:
    """Asks the service at `url` from an event loop; see `Client`, whose methods these are."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._retries = retries
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=timeout,
            headers={**calls.authorization(key), **(headers or {})},
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @overload
    async def predict(
        self,
        image: Source,
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        layers: Sequence[str] = (),
    ) -> Prediction: ...

    @overload
    async def predict(
        self,
        image: Several,
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        layers: Sequence[str] = (),
    ) -> list[Prediction]: ...

    async def predict(
        self,
        image: Source | Several,
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        layers: Sequence[str] = (),
    ) -> Prediction | list[Prediction]:
        """See `Client.predict`."""
        files = await asyncio.to_thread(sources.load_all, image)
        call = calls.predict(files, Chosen(model, version), top, layers)
        answers = await self._send(call) if files else []
        found = calls.all_good(answers, files)
        return found if isinstance(image, list | tuple) else found[0]

    async def predict_many(
        self,
        images: Iterable[Source],
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        concurrency: int = 4,
        group: int = 32,
        show_progress: bool = False,
    ) -> AsyncIterator[Result]:
        """See `Client.predict_many`."""
        chosen = Chosen(model, version)
        waiting: deque[asyncio.Task[list[Result]]] = deque()
        with progress.bar(many.length(images), shown=show_progress) as step:
            try:
                for pictures in many.groups(images, group):
                    waiting.append(asyncio.create_task(self._group(pictures, chosen, top)))
                    if len(waiting) >= concurrency:
                        for result in await waiting.popleft():
                            step()
                            yield result
                while waiting:
                    for result in await waiting.popleft():
                        step()
                        yield result
            finally:
                for one in waiting:
                    one.cancel()

    async def feature_maps(
        self,
        layer: str,
        image: Subject = None,
        *,
        sample: str | None = None,
        index: int | None = None,
        stage: Stage = "post",
        model: str | None = None,
        version: int | None = None,
    ) -> Floats:
        """See `Client.feature_maps`."""
        chosen = Chosen(model, version)
        return await self._maps("feature-maps", layer, image, sample, index, stage, chosen)

    async def pooled_maps(
        self,
        layer: str,
        image: Subject = None,
        *,
        sample: str | None = None,
        index: int | None = None,
        model: str | None = None,
        version: int | None = None,
    ) -> Floats:
        """See `Client.pooled_maps`."""
        chosen = Chosen(model, version)
        return await self._maps("pooled-maps", layer, image, sample, index, "post", chosen)

    async def cell(
        self,
        layer: str,
        index: int,
        row: int,
        col: int,
        image: Subject = None,
        *,
        pooled: bool = False,
        sample: str | None = None,
        model: str | None = None,
        version: int | None = None,
    ) -> dict[str, Any]:
        """See `Client.cell`."""
        kind: Kind = "pooled-maps" if pooled else "feature-maps"
        chosen = Chosen(model, version)
        return await self._send(calls.cell(kind, layer, (index, row, col), image, chosen, sample))

    async def grad_cam(
        self,
        image: Subject = None,
        labels: Sequence[str] = (),
        *,
        sample: str | None = None,
        method: calls.Method = "grad-cam",
        model: str | None = None,
        version: int | None = None,
    ) -> Floats:
        """See `Client.grad_cam`."""
        chosen = Chosen(model, version)
        return await self._send(calls.grad_cam(image, labels, chosen, sample=sample, method=method))

    async def filters(
        self,
        layer: str,
        *,
        index: int | None = None,
        model: str | None = None,
        version: int | None = None,
    ) -> Floats:
        """See `Client.filters`."""
        return await self._send(calls.filters(layer, index, Chosen(model, version)))

    async def models(self) -> list[dict[str, Any]]:
        """See `Client.models`."""
        return await self._send(calls.models())

    async def layers(
        self, *, model: str | None = None, version: int | None = None
    ) -> list[dict[str, Any]]:
        """See `Client.layers`."""
        return await self._send(calls.layers(Chosen(model, version)))

    async def ready(self) -> bool:
        """See `Client.ready`."""
        try:
            return await self._once(calls.ready())
        except ClientError:
            return False

    async def _maps(
        self,
        kind: Kind,
        layer: str,
        image: Subject,
        sample: str | None,
        index: int | None,
        stage: Stage,
        chosen: Chosen,
    ) -> Floats:
        call = calls.maps(kind, layer, image, chosen, sample=sample, index=index, stage=stage)
        return await self._send(call)

    async def _send(self, call: Call[Answer]) -> Answer:
        async for attempt in retries.context(self._retries):
            with attempt:
                return await self._once(call)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = await self._http.request(**call.request())
        except httpx.TransportError as problem:
            raise errors.of_transport(problem, self._url) from problem
        return call.answer(response)

    async def _group(
        self, group: Sequence[Source], chosen: Chosen, top: int | None
    ) -> list[Result]:
        results, sent = await asyncio.to_thread(many.load, group)
        while sent:
            loaded = sent.pop()
            answers = await self._answers(loaded, chosen, top)
            if isinstance(answers, ClientError) and many.split(loaded, answers):
                sent += [[one] for one in loaded]
            else:
                many.fill(results, loaded, answers)
        return results

    async def _answers(
        self, loaded: Sequence[Loaded], chosen: Chosen, top: int | None
    ) -> list[Prediction | Refused] | ClientError:
        try:
            return await self._send(calls.predict([one.file for one in loaded], chosen, top))
        except ClientError as problem:
            return problem
