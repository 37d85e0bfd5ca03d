"""The client for programs with an event loop: the methods of `Client`, awaited."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx2 as httpx

from convlens import progress
from convlens.client import calls, errors, many, methods, retries
from convlens.client.answers import Result
from convlens.client.calls import Call, Chosen
from convlens.client.errors import ClientError
from convlens.client.sources import Source

Answer = TypeVar("Answer")
Params = ParamSpec("Params")


def _method(
    build: Callable[Params, Call[Answer]],
) -> Callable[Concatenate["AsyncClient", Params], Coroutine[Any, Any, Answer]]:
    """The method of the client that sends the call that `build` makes of its arguments.

    `build` runs in a thread: reading and encoding a picture would hold up the event loop.
    """

    async def send(self: "AsyncClient", /, *args: Params.args, **kwargs: Params.kwargs) -> Answer:
        return await self._send(await asyncio.to_thread(build, *args, **kwargs))

    return methods.described(send, build)


class AsyncClient:
    """Asks the service at `url` from an event loop; its arguments are those of `Client`."""

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

    predict = _method(methods.predict)
    feature_maps = _method(methods.feature_maps)
    pooled_maps = _method(methods.pooled_maps)
    cell = _method(methods.cell)
    grad_cam = _method(methods.grad_cam)
    filters = _method(methods.filters)
    models = _method(methods.models)
    layers = _method(methods.layers)

    async def ready(self) -> bool:
        """Whether the service has loaded its models; asked once, without retries."""
        try:
            return await self._once(methods.ready())
        except ClientError:
            return False

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
        """A result for each of very many pictures, in their order; see `Client.predict_many`."""
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

    async def _group(
        self, pictures: Sequence[Source], chosen: Chosen, top: int | None
    ) -> list[Result]:
        group = await asyncio.to_thread(many.Group, pictures)
        for loaded in group.requests():
            call = methods.group([one.file for one in loaded], chosen, top)
            try:
                group.answered(loaded, await self._send(call))
            except ClientError as problem:
                group.failed(loaded, problem)
        return group.results

    async def _send(self, call: Call[Answer]) -> Answer:
        async for attempt in retries.context(self._retries):
            with attempt:
                return await self._once(call)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, call: Call[Answer]) -> Answer:
        if call.known is not None:
            return call.known
        try:
            response = await self._http.request(**call.request())
        except httpx.TransportError as problem:
            raise errors.of_transport(problem, self._url) from problem
        return call.answer(response)
