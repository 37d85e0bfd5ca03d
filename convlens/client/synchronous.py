"""The client for programs without an event loop: each method blocks until its answer is there."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

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
) -> Callable[Concatenate["Client", Params], Answer]:
    """The method of the client that sends the call that `build` makes of its arguments."""

    def send(self: "Client", /, *args: Params.args, **kwargs: Params.kwargs) -> Answer:
        return self._send(build(*args, **kwargs))

    return methods.described(send, build)


class Client:
    """Asks the service at `url`; safe to use from several threads.

    A request that finds the service busy or unreachable is sent again, up to `retries` times,
    after the wait that the service asks for. `key` is an API key, if the service needs one.
    `timeout` is in seconds, for each wait on the network. Every method raises a ClientError with
    the service's sentence; `model` and `version` choose another model than the default one.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._retries = retries
        self._http = httpx.Client(
            base_url=url,
            timeout=timeout,
            headers={**calls.authorization(key), **(headers or {})},
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    predict = _method(methods.predict)
    feature_maps = _method(methods.feature_maps)
    pooled_maps = _method(methods.pooled_maps)
    cell = _method(methods.cell)
    grad_cam = _method(methods.grad_cam)
    filters = _method(methods.filters)
    models = _method(methods.models)
    layers = _method(methods.layers)

    def ready(self) -> bool:
        """Whether the service has loaded its models; asked once, without retries."""
        try:
            return self._once(methods.ready())
        except ClientError:
            return False

    def predict_many(
        self,
        images: Iterable[Source],
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        concurrency: int = 4,
        group: int = 32,
        show_progress: bool = False,
    ) -> Iterator[Result]:
        """A result for each of very many pictures, in their order, as they come.

        At most `concurrency` requests of up to `group` pictures are under way, and no more files
        than that are read ahead. A picture that cannot be read or is refused has its error in its
        own result; an error of the connection is in the result of each picture that it left
        without an answer.
        """
        chosen = Chosen(model, version)
        waiting: deque[Future[list[Result]]] = deque()
        with (
            ThreadPoolExecutor(concurrency, thread_name_prefix="convlens") as pool,
            progress.bar(many.length(images), shown=show_progress) as step,
        ):
            try:
                for pictures in many.groups(images, group):
                    waiting.append(pool.submit(self._group, pictures, chosen, top))
                    if len(waiting) > concurrency:
                        yield from _stepped(waiting.popleft().result(), step)
                while waiting:
                    yield from _stepped(waiting.popleft().result(), step)
            finally:
                for one in waiting:
                    one.cancel()

    def _group(self, pictures: Sequence[Source], chosen: Chosen, top: int | None) -> list[Result]:
        group = many.Group(pictures)
        for loaded in group.requests():
            call = methods.group([one.file for one in loaded], chosen, top)
            try:
                group.answered(loaded, self._send(call))
            except ClientError as problem:
                group.failed(loaded, problem)
        return group.results

    def _send(self, call: Call[Answer]) -> Answer:
        for attempt in retries.context(self._retries):
            with attempt:
                return self._once(call)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, call: Call[Answer]) -> Answer:
        if call.known is not None:
            return call.known
        try:
            response = self._http.request(**call.request())
        except httpx.TransportError as problem:
            raise errors.of_transport(problem, self._url) from problem
        return call.answer(response)


def _stepped(results: Iterable[Result], step: progress.Step) -> Iterator[Result]:
    for result in results:
        step()
        yield result
