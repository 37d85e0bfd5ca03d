"""A call: the path, parameters and files of one request, and the function that reads its answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx2 as httpx
import numpy as np
from numpy.typing import NDArray

from convlens.client import answers, errors, sources
from convlens.client.answers import Prediction
from convlens.client.errors import ClientError, Refused
from convlens.client.sources import File, Source

Answer = TypeVar("Answer", covariant=True)
Floats = NDArray[np.float32]

# The picture of a call: a new one, an earlier prediction's, or None for a sample of the model.
Subject = Source | Prediction | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model; without a name the service's default one, without a version the newest."""

    model: str | None = None
    version: int | None = None

    def params(self) -> dict[str, Any]:
        """The query parameters that choose it."""
        return {"model": self.model, "version": self.version}


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request and the function that reads its answer.

    `known` is the answer of a call that needs no request.
    """

    path: str
    read: Callable[[httpx.Response], Answer]
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[File] = ()
    known: Answer | None = None

    def request(self) -> dict[str, Any]:
        """The arguments of httpx' `request`."""
        params = {name: value for name, value in self.params.items() if value is not None}
        if not self.files:
            return {"method": "GET", "url": self.path, "params": params}
        files = [("file", (one.name, one.data, "application/octet-stream")) for one in self.files]
        return {"method": "POST", "url": self.path, "params": params, "files": files}

    def answer(self, response: httpx.Response) -> Answer:
        """The answer in `response`; raises its ClientError if the status is not a success."""
        if (error := errors.of_answer(response)) is not None:
            raise error
        try:
            return self.read(response)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise ClientError(
                f"{response.url} did not answer as this client expects: {problem!r}."
            ) from problem


def authorization(key: str | None) -> dict[str, str]:
    """The header that carries an API key."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def about(
    path: str,
    subject: Subject,
    chosen: Chosen,
    read: Callable[[httpx.Response], Answer],
    **params: Any,
) -> Call[Answer]:
    """A call about one picture, which is sent along, or named by the token of a Prediction."""
    if isinstance(subject, Prediction):
        if chosen == Chosen():
            chosen = Chosen(subject.model, subject.version)
        return Call(path, read, {**chosen.params(), **params, "image": subject.image})
    files = () if subject is None else (sources.load(subject),)
    return Call(path, read, {**chosen.params(), **params}, files)


def layer_path(layer: str, what: str, index: int | None) -> str:
    """The path of `what` a layer has: all of it, or the part with `index`."""
    path = f"/layers/{quote(layer, safe='')}/{what}"
    return path if index is None else f"{path}/{index}"


def predictions(response: httpx.Response) -> list[Prediction | Refused]:
    """A prediction or a refusal for each picture that was sent."""
    document = response.json()
    return [
        errors.of_problem(one["error"]["status"], one["error"])
        if "error" in one
        else answers.prediction(document, one)
        for one in document["predictions"]
    ]


def npy(response: httpx.Response) -> Floats:
    """The array of a response in NumPy's .npy format."""
    return answers.array(response.content)


def document(response: httpx.Response) -> dict[str, Any]:
    """The object of a JSON response."""
    return dict(response.json())
