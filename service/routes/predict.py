"""`POST /predict`: images in, classes out."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.errors import (
    Invalid,
    Malformed,
    NotFound,
    NotReady,
    ServiceError,
    TooLarge,
    UnsupportedImage,
)
from service.http.json_response import EncodedJSON, dump
from service.http.problems import Problem, describe, documented
from service.images import multipart, tokens
from service.images.prepare import Prepared
from service.images.reader import ImageReader
from service.introspection import ablation
from service.models.model import Activations, Model
from service.observability import metrics
from service.routes import links
from service.routes.answers import Encoding, encode
from service.routes.subject import IMAGE_BODY

router = APIRouter(tags=["predict"])

HEADERS = ((b"content-type", b"application/json"), (b"vary", b"Accept"))


class Maps(BaseModel):
    """A layer's output: `values[map][row][column]`, or a plain list for a dense layer.

    With `encoding=base64` the bytes of float32 values in the order of `shape`, least byte first.
    """

    shape: tuple[int, ...]
    values: list[Any] | str


class Prediction(BaseModel):
    """What the model says of one image."""

    filename: str | None
    label: str
    index: int
    confidence: float
    probabilities: dict[str, float]
    unfamiliar: float | None = Field(
        None,
        description="From 0, like what it was trained on, to 1, unlike it; where a model can tell.",
    )
    image: str
    prepared: list[str]
    links: dict[str, str]
    maps: dict[str, Maps] | None = None
    change: dict[str, float] | None = Field(
        None, description="What setting the named maps to zero did to each probability."
    )


class Refusal(BaseModel):
    """Why one image of several has no prediction."""

    filename: str | None
    error: Problem


class Predictions(BaseModel):
    """One prediction or refusal an image, in the order they came."""

    model: str
    version: int
    predictions: list[Prediction | Refusal]


class Options(BaseModel):
    """What a request may say beside its images."""

    model: str | None = Field(None, description="Name of the model; without it, the default one.")
    version: int | None = Field(None, description="Version of the model; without it, the newest.")
    top: int | None = Field(None, ge=1, description="Only the k most probable classes, best first.")
    layers: str | None = Field(
        None,
        description="Layers whose maps come along, such as `conv1,pool1`; `conv1/pre` is conv1"
        " before its activation.",
    )
    encoding: Encoding = Field(
        "list",
        description="Maps as lists, `values[map][row][column]`, or as the base64 of little-endian"
        " float32 in the order (row, column, map).",
    )
    zero: list[str] | None = Field(
        None, description="A map to set to zero, such as `conv2:13`; may be repeated."
    )


@router.post(
    "/predict",
    response_model=None,
    responses={
        200: {"model": Predictions, "description": "A prediction for every image."},
        **documented(Malformed, NotFound, TooLarge, UnsupportedImage, Invalid, NotReady),
    },
    openapi_extra={"requestBody": IMAGE_BODY},
)
async def predict(request: Request, options: Annotated[Options, Query()]) -> EncodedJSON:
    """Classify one or many images: the form field `file`, repeatable, or one image as the body.

    An .npy array holds any number of images, uint8 (n, h, w, c) in the model's shape. An image
    that cannot be read has an `error` in its place; the others are answered.
    """
    reader: ImageReader = request.app.state.image_reader
    model: Model = request.app.state.models.get(options.model, options.version)
    layers = _layers(model, options.layers)
    masks = None if options.zero is None else ablation.masks(model, options.zero)
    if masks is not None and layers:
        raise Invalid("`layers` shows the whole network: leave it out beside `zero`.")
    await request.body()
    began = time.perf_counter()
    files = await multipart.read(request, reader.settings)
    found = await reader.read_files(files, model.manifest)
    metrics.DECODE.observe(time.perf_counter() - began)
    good = [one for _, one in found if isinstance(one, Prepared)]
    if len(found) == 1 and isinstance(refused := found[0][1], ServiceError):
        raise refused
    rows, maps = await _compute(model, good, layers)
    began = time.perf_counter()
    answers = iter(zip(rows, maps, strict=True))
    predictions: list[dict[str, object]] = [
        {"filename": name, **_prediction(model, one, *next(answers), options)}
        if isinstance(one, Prepared)
        else {"filename": name, "error": describe(one)}
        for name, one in found
    ]
    if masks is not None and good:
        whole = [one for one in predictions if "label" in one]
        await _ablate(model, good, masks, rows, whole, options.top)
    manifest = model.manifest
    body = dump({"model": manifest.name, "version": manifest.version, "predictions": predictions})
    metrics.ENCODE.observe(time.perf_counter() - began)
    return EncodedJSON(body, HEADERS)


def _layers(model: Model, names: str | None) -> list[str]:
    """The names of outputs that `names` lists, each a layer or what stood before its activation."""
    chosen = [] if names is None else [name.strip() for name in names.split(",")]
    if len(chosen) > 2 * len(model.manifest.layers):
        raise Invalid("`layers` names more outputs than the model has.")
    for name in chosen:
        layer = model.layer(name.removesuffix("/pre"))
        if name != layer.name and layer.activation is None:
            raise Invalid(f"{layer.name} has no activation: ask for it without /pre.")
    return chosen


async def _compute(
    model: Model, images: Sequence[Prepared], layers: Sequence[str]
) -> tuple[NDArray[np.float32], Sequence[Activations]]:
    """The model's row for each image and, where layers are asked for, their outputs."""
    if not images:
        return np.empty((0, len(model.manifest.labels)), np.float32), []
    if len(images) == 1:
        rows = await model.batcher(images[0].pixels[np.newaxis])
    else:
        rows = await model.batcher(np.stack([image.pixels for image in images]))
    if not layers:
        return rows, [{}] * len(images)
    outputs = await asyncio.gather(*(model.activations(image.pixels) for image in images))
    return rows, [{name: output[name] for name in layers} for output in outputs]


async def _ablate(
    model: Model,
    images: Sequence[Prepared],
    masks: NDArray[np.float32],
    rows: NDArray[np.float32],
    predictions: Sequence[dict[str, object]],
    top: int | None,
) -> None:
    """Put the answers of the network without some maps in the place of those with all."""
    labels = model.manifest.labels
    without = await model.ablated(np.stack([image.pixels for image in images]), masks)
    for prediction, row, full in zip(predictions, without, rows, strict=True):
        prediction |= _answer(row, labels, top)
        change = (row - full[: len(labels)]).tolist()
        prediction["change"] = dict(zip(labels, change, strict=True))


def _prediction(
    model: Model,
    prepared: Prepared,
    row: NDArray[np.float32],
    maps: Activations,
    options: Options,
) -> dict[str, object]:
    token = tokens.encode(prepared.pixels)
    prediction: dict[str, object] = {
        **_answer(row, model.manifest.labels, options.top),
        "image": token,
        "prepared": prepared.steps,
        "links": {name: address + token for name, address in links.for_images(model).items()},
    }
    if maps:
        prediction["maps"] = {
            name: {
                "shape": values.shape,
                "values": encode(values, options.encoding),
            }
            for name, values in maps.items()
        }
    return prediction


def _answer(row: NDArray[np.float32], labels: Sequence[str], top: int | None) -> dict[str, object]:
    """The most probable class, the probabilities of all or of the `top` best, how unfamiliar."""
    values = row.tolist()
    probabilities = values[: len(labels)]
    confidence = max(probabilities)
    index = probabilities.index(confidence)
    if top is None:
        shown = dict(zip(labels, probabilities, strict=True))
    else:
        order = sorted(range(len(labels)), key=lambda i: -probabilities[i])[:top]
        shown = {labels[i]: probabilities[i] for i in order}
    answer: dict[str, object] = {
        "label": labels[index],
        "index": index,
        "confidence": confidence,
        "probabilities": shown,
    }
    if len(values) > len(labels):
        answer["unfamiliar"] = values[-1]
    return answer
