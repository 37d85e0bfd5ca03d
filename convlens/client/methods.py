"""The methods that both clients have: each turns its arguments into a call.

`Client` sends the call and returns its answer, `AsyncClient` the same when awaited; `described`
gives their methods the names, signatures and docstrings of the functions here.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, get_args, overload

import httpx2 as httpx

from convlens.client import calls, errors, sources
from convlens.client.answers import Prediction
from convlens.client.calls import Call, Chosen, Floats, Subject
from convlens.client.errors import Refused
from convlens.client.sources import File, Several, Source

Sent = TypeVar("Sent", bound=Callable[..., Any])


@overload
def predict(
    image: Source,
    *,
    model: str | None = None,
    version: int | None = None,
    top: int | None = None,
    layers: Sequence[str] = (),
) -> Call[Prediction]: ...


@overload
def predict(
    image: Several,
    *,
    model: str | None = None,
    version: int | None = None,
    top: int | None = None,
    layers: Sequence[str] = (),
) -> Call[list[Prediction]]: ...


def predict(
    image: Source | Several,
    *,
    model: str | None = None,
    version: int | None = None,
    top: int | None = None,
    layers: Sequence[str] = (),
) -> Call[Prediction | list[Prediction]]:
    """Classify a picture, or each picture of a list, in one request.

    `top` keeps the k most probable classes; `layers` adds those layers' maps to the prediction.
    The first picture that is refused raises its error; `predict_many` goes on instead.
    """
    files = sources.load_all(image)

    def read(response: httpx.Response) -> Prediction | list[Prediction]:
        found = _all_good(calls.predictions(response), files)
        return found if isinstance(image, list | tuple) else found[0]

    params = {**Chosen(model, version).params(), "top": top, "layers": ",".join(layers) or None}
    return Call("/predict", read, params, files, known=None if files else [])


def feature_maps(
    layer: str,
    image: Subject = None,
    *,
    sample: str | None = None,
    index: int | None = None,
    stage: Literal["pre", "post"] = "post",
    model: str | None = None,
    version: int | None = None,
) -> Call[Floats]:
    """The feature maps of a convolution layer: float32 (height, width, maps).

    With `index` one map, (height, width). `image` may be a Prediction, whose picture is not sent
    again; without an image, the sample named `sample` or the model's first one is used. `stage`
    "pre" is before the activation.
    """
    path = calls.layer_path(layer, "feature-maps", index)
    chosen = Chosen(model, version)
    return calls.about(path, image, chosen, calls.npy, format="npy", sample=sample, stage=stage)


def pooled_maps(
    layer: str,
    image: Subject = None,
    *,
    sample: str | None = None,
    index: int | None = None,
    model: str | None = None,
    version: int | None = None,
) -> Call[Floats]:
    """The maps of a pooling layer, or of the one after a convolution layer; see `feature_maps`."""
    path = calls.layer_path(layer, "pooled-maps", index)
    chosen = Chosen(model, version)
    return calls.about(path, image, chosen, calls.npy, format="npy", sample=sample)


def cell(
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
) -> Call[dict[str, Any]]:
    """The arithmetic of one cell of map `index`: window, kernel, products, sum, bias, value."""
    path = calls.layer_path(layer, "pooled-maps" if pooled else "feature-maps", index)
    path = f"{path}/cells/{row}/{col}"
    return calls.about(path, image, Chosen(model, version), calls.document, sample=sample)


def grad_cam(
    image: Subject = None,
    labels: Sequence[str] = (),
    *,
    sample: str | None = None,
    method: Literal["grad-cam", "occlusion"] = "grad-cam",
    model: str | None = None,
    version: int | None = None,
) -> Call[Floats]:
    """A heatmap for each of `labels`, or for the predicted class: float32 (classes, h', w')."""
    params = {"format": "npy", "label": list(labels) or None, "method": method, "sample": sample}
    return calls.about("/grad-cam", image, Chosen(model, version), calls.npy, **params)


def filters(
    layer: str,
    *,
    index: int | None = None,
    model: str | None = None,
    version: int | None = None,
) -> Call[Floats]:
    """The kernels of a convolution layer: float32 (h, w, channels, maps).

    With `index` one kernel, (h, w, channels).
    """
    params = {**Chosen(model, version).params(), "format": "npy"}
    return Call(calls.layer_path(layer, "filters", index), calls.npy, params)


def models() -> Call[list[dict[str, Any]]]:
    """The manifests of all models."""
    return Call("/models", lambda response: list(response.json()["models"]))


def layers(*, model: str | None = None, version: int | None = None) -> Call[list[dict[str, Any]]]:
    """The layers of a model in the order of the forward pass."""
    params = Chosen(model, version).params()
    return Call("/layers", lambda response: list(response.json()["layers"]), params)


def group(
    files: Sequence[File], chosen: Chosen, top: int | None
) -> Call[list[Prediction | Refused]]:
    """A prediction or a refusal for each of `files`: one request of `predict_many`."""
    return Call("/predict", calls.predictions, {**chosen.params(), "top": top}, files)


def ready() -> Call[bool]:
    """Whether the service has loaded its models."""
    return Call("/readyz", lambda response: bool(response.json()["status"] == "ready"))


def described(send: Sent, build: Callable[..., Call[Any]]) -> Sent:
    """`send`, a client's method, with the name, signature and docstring of `build`."""
    signature = inspect.signature(build)
    client = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    (answer,) = get_args(signature.return_annotation)
    functools.update_wrapper(send, build)
    send.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[client, *signature.parameters.values()], return_annotation=answer
    )
    return send


def _all_good(found: Sequence[Prediction | Refused], files: Sequence[File]) -> list[Prediction]:
    """The predictions of `found`; raises the first refusal with its file's name."""
    for answer, file in zip(found, files, strict=True):
        if isinstance(answer, Refused):
            detail = f"{file.name}: {answer.detail}"
            raise errors.of_problem(answer.status, {**answer.problem, "detail": detail})
    return [answer for answer in found if isinstance(answer, Prediction)]
