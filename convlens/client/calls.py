"""Each thing that can be asked becomes one request and a way to read its answer.

Both clients send these; what they say is here once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx2 as httpx
import numpy as np
from numpy.typing import NDArray

from convlens.client import answers, errors, sources
from convlens.client.answers import Prediction
from convlens.client.errors import ClientError
from convlens.client.sources import File, Source

Answer = TypeVar("Answer")
Floats = NDArray[np.float32]

# What a call may be about: a picture, an earlier prediction's own picture, or a shipped sample.
Subject = Source | Prediction | None
Stage = Literal["pre", "post"]
Kind = Literal["feature-maps", "pooled-maps"]
Method = Literal["grad-cam", "occlusion"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model; without a name the service's default, without a version the newest."""

    model: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request, and what reads its answer."""

    path: str
    read: Callable[[httpx.Response], Answer]
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[File] = ()

    def request(self) -> dict[str, Any]:
        """The arguments of httpx' `request`."""
        params = {name: value for name, value in self.params.items() if value is not None}
        if not self.files:
            return {"method": "GET", "url": self.path, "params": params}
        files = [("file", (one.name, one.data, "application/octet-stream")) for one in self.files]
        return {"method": "POST", "url": self.path, "params": params, "files": files}

    def answer(self, response: httpx.Response) -> Answer:
        """What `response` says; its ClientError for one that is no success."""
        if (error := errors.of_answer(response)) is not None:
            raise error
        try:
            return self.read(response)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise ClientError(
                f"{response.url} did not answer as this client expects: {problem!r}."
            ) from problem


def predict(
    files: Sequence[File], chosen: Chosen, top: int | None = None, layers: Sequence[str] = ()
) -> Call[list[Prediction | errors.Refused]]:
    """A prediction, or its refusal, for each of `files`."""

    def read(response: httpx.Response) -> list[Prediction | errors.Refused]:
        document = response.json()
        return [_one(document, one) for one in document["predictions"]]

    params = {**_model(chosen), "top": top, "layers": ",".join(layers) or None}
    return Call("/predict", read, params, files)


def all_good(
    answers: Sequence[Prediction | errors.Refused], files: Sequence[File]
) -> list[Prediction]:
    """The predictions of `answers`; the first refusal is raised with its file's name."""
    for answer, file in zip(answers, files, strict=True):
        if isinstance(answer, errors.Refused):
            detail = f"{file.name}: {answer.detail}"
            raise errors.of_problem(answer.status, {**answer.problem, "detail": detail})
    return [answer for answer in answers if isinstance(answer, Prediction)]


def maps(
    kind: Kind,
    layer: str,
    subject: Subject,
    chosen: Chosen,
    *,
    sample: str | None = None,
    index: int | None = None,
    stage: Stage = "post",
) -> Call[Floats]:
    """All maps of a layer, (h, w, maps), or one, (h, w)."""
    path = _path(layer, kind, index)
    return _about(path, subject, chosen, _npy, format="npy", sample=sample, stage=stage)


def cell(
    kind: Kind,
    layer: str,
    place: tuple[int, int, int],
    subject: Subject,
    chosen: Chosen,
    sample: str | None = None,
) -> Call[dict[str, Any]]:
    """The arithmetic of the cell at `place`, (map, row, column)."""
    index, row, col = place
    path = f"{_path(layer, kind, index)}/cells/{row}/{col}"
    return _about(path, subject, chosen, _object, sample=sample)


def grad_cam(
    subject: Subject,
    labels: Sequence[str],
    chosen: Chosen,
    *,
    sample: str | None = None,
    method: Method = "grad-cam",
) -> Call[Floats]:
    """Why each of `labels`, or the predicted class: (classes, h', w')."""
    more = {"format": "npy", "label": list(labels) or None, "method": method}
    return _about("/grad-cam", subject, chosen, _npy, sample=sample, **more)


def filters(layer: str, index: int | None, chosen: Chosen) -> Call[Floats]:
    """All kernels of a layer, (h, w, channels, maps), or one, (h, w, channels)."""
    return Call(_path(layer, "filters", index), _npy, {**_model(chosen), "format": "npy"})


def models() -> Call[list[dict[str, Any]]]:
    """The manifests of all models."""
    return Call("/models", lambda response: list(response.json()["models"]))


def layers(chosen: Chosen) -> Call[list[dict[str, Any]]]:
    """The layers of a model in the order of the forward pass."""
    return Call("/layers", lambda response: list(response.json()["layers"]), _model(chosen))


def ready() -> Call[bool]:
    """Whether the models are loaded."""
    return Call("/readyz", lambda response: bool(response.json()["status"] == "ready"))


def authorization(key: str | None) -> dict[str, str]:
    """The header that shows an API key."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _about(
    path: str,
    subject: Subject,
    chosen: Chosen,
    read: Callable[[httpx.Response], Answer],
    **params: Any,
) -> Call[Answer]:
    """A call about one picture: sent along, or by the token that a prediction has of it."""
    if isinstance(subject, Prediction):
        if chosen == Chosen():
            chosen = Chosen(subject.model, subject.version)
        return Call(path, read, {**_model(chosen), **params, "image": subject.image})
    files = () if subject is None else (sources.load(subject),)
    return Call(path, read, {**_model(chosen), **params}, files)


def _model(chosen: Chosen) -> dict[str, Any]:
    return {"model": chosen.model, "version": chosen.version}


def _path(layer: str, what: str, index: int | None) -> str:
    path = f"/layers/{quote(layer, safe='')}/{what}"
    return path if index is None else f"{path}/{index}"


def _one(document: Mapping[str, Any], one: Mapping[str, Any]) -> Prediction | errors.Refused:
    if "error" in one:
        return errors.of_problem(one["error"]["status"], one["error"])
    return answers.prediction(document, one)


def _npy(response: httpx.Response) -> Floats:
    return answers.array(response.content)


def _object(response: httpx.Response) -> dict[str, Any]:
    return dict(response.json())
