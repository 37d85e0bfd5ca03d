"""The client for programs without an event loop."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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


class Client:
    """Asks the service at `url`; safe to use from several threads.

    A request that finds the service busy or unreachable goes again, up to `retries` times, after
    the wait that it asks for. `key` is for a service that asks for one. `timeout` is in seconds,
    for each wait on the network. Every method raises a ClientError with the service's sentence;
    `model` and `version` choose another model than the default one.
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

    @overload
    def predict(
        self,
        image: Source,
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        layers: Sequence[str] = (),
    ) -> Prediction: ...

    @overload
    def predict(
        self,
        image: Several,
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        layers: Sequence[str] = (),
    ) -> list[Prediction]: ...

    def predict(
        self,
        image: Source | Several,
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        layers: Sequence[str] = (),
    ) -> Prediction | list[Prediction]:
        """What the model says of a picture, or of each of a list, in one request.

        `top` keeps the k most probable classes; `layers` brings those layers' maps along. The
        first picture that is refused raises; `predict_many` goes on instead.
        """
        files = sources.load_all(image)
        call = calls.predict(files, Chosen(model, version), top, layers)
        answers = self._send(call) if files else []
        found = calls.all_good(answers, files)
        return found if isinstance(image, list | tuple) else found[0]

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
        own result; an error of the connection is in the results of those it kept from an answer.
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

    def feature_maps(
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
        """The maps of a convolution layer, float32 (height, width, maps); `index` gives one.

        `image` may be a Prediction, whose picture is not sent again; without one, `sample` or the
        model's first sample is meant. `stage` "pre" is before the activation.
        """
        return self._maps(
            "feature-maps", layer, image, sample, index, stage, Chosen(model, version)
        )

    def pooled_maps(
        self,
        layer: str,
        image: Subject = None,
        *,
        sample: str | None = None,
        index: int | None = None,
        model: str | None = None,
        version: int | None = None,
    ) -> Floats:
        """The same of a pooling layer, or of the one that a convolution layer feeds."""
        return self._maps(
            "pooled-maps", layer, image, sample, index, "post", Chosen(model, version)
        )

    def cell(
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
        """The arithmetic of one cell of map `index`: window, kernel, products, sum, bias, value."""
        kind: Kind = "pooled-maps" if pooled else "feature-maps"
        chosen = Chosen(model, version)
        return self._send(calls.cell(kind, layer, (index, row, col), image, chosen, sample))

    def grad_cam(
        self,
        image: Subject = None,
        labels: Sequence[str] = (),
        *,
        sample: str | None = None,
        method: calls.Method = "grad-cam",
        model: str | None = None,
        version: int | None = None,
    ) -> Floats:
        """Why each of `labels`, or the predicted class: heatmaps, float32 (classes, h', w')."""
        chosen = Chosen(model, version)
        return self._send(calls.grad_cam(image, labels, chosen, sample=sample, method=method))

    def filters(
        self,
        layer: str,
        *,
        index: int | None = None,
        model: str | None = None,
        version: int | None = None,
    ) -> Floats:
        """The kernels of a convolution layer, float32 (h, w, channels, maps); `index` gives one."""
        return self._send(calls.filters(layer, index, Chosen(model, version)))

    def models(self) -> list[dict[str, Any]]:
        """The manifests of all models."""
        return self._send(calls.models())

    def layers(
        self, *, model: str | None = None, version: int | None = None
    ) -> list[dict[str, Any]]:
        """The layers of a model in the order of the forward pass."""
        return self._send(calls.layers(Chosen(model, version)))

    def ready(self) -> bool:
        """Whether the service has loaded its models; asked once, without retries."""
        try:
            return self._once(calls.ready())
        except ClientError:
            return False

    def _maps(
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
        return self._send(call)

    def _send(self, call: Call[Answer]) -> Answer:
        for attempt in retries.context(self._retries):
            with attempt:
                return self._once(call)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = self._http.request(**call.request())
        except httpx.TransportError as problem:
            raise errors.of_transport(problem, self._url) from problem
        return call.answer(response)

    def _group(self, group: Sequence[Source], chosen: Chosen, top: int | None) -> list[Result]:
        results, sent = many.load(group)
        while sent:
            loaded = sent.pop()
            answers = self._answers(loaded, chosen, top)
            if isinstance(answers, ClientError) and many.split(loaded, answers):
                sent += [[one] for one in loaded]
            else:
                many.fill(results, loaded, answers)
        return results

    def _answers(
        self, loaded: Sequence[Loaded], chosen: Chosen, top: int | None
    ) -> list[Prediction | Refused] | ClientError:
        try:
            return self._send(calls.predict([one.file for one in loaded], chosen, top))
        except ClientError as problem:
            return problem


def _stepped(results: Iterable[Result], step: progress.Step) -> Iterator[Result]:
    for result in results:
        step()
        yield result
