"""`POST /predict`: images in, classes out."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service import ablation, links, representations, tokens, uploads
from service.errors import Invalid, ServiceError
from service.intake import BODY, ChosenModel, Intake
from service.models import Activations, Model
from service.preparation import Prepared
from service.problems import Problem, describe, documented
from service.representations import JSON
from service.uploads import Upload

router = APIRouter(tags=["predict"])


class Maps(BaseModel):
    """A layer's output: `values[map][row][column]`, or a plain list for a dense layer."""

    shape: tuple[int, ...]
    values: list[Any]


class Prediction(BaseModel):
    """What the model says of one image."""

    filename: str | None
    label: str
    index: int
    confidence: float
    probabilities: dict[str, float]
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


@router.post(
    "/predict",
    response_model=None,
    responses={
        200: {"model": Predictions, "description": "A prediction for every image."},
        **documented(400, 404, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": BODY},
)
async def predict(
    request: Request,
    model: ChosenModel,
    top: Annotated[
        int | None, Query(ge=1, description="Only the k most probable classes, best first.")
    ] = None,
    layers: Annotated[
        str | None,
        Query(description="Layers whose maps come along, such as `conv1,pool1`."),
    ] = None,
    zero: Annotated[
        list[str] | None,
        Query(description="A map to set to zero, such as `conv2:13`; may be repeated."),
    ] = None,
) -> JSON:
    """Classify one or many images: the form field `file`, repeatable, or one image as the body.

    An image that cannot be read spoils only itself: its place holds an `error`.
    """
    chosen = _layers(model, layers)
    masks = None if zero is None else ablation.masks(model, zero)
    if masks is not None and chosen:
        raise Invalid("`layers` shows the whole network: leave it out beside `zero`.")
    intake: Intake = request.app.state.intake
    files = await uploads.read(request, intake.settings)
    prepared = await asyncio.gather(*(_prepare(intake, model, file) for file in files))
    good = [one for one in prepared if isinstance(one, Prepared)]
    if len(files) == 1 and isinstance(prepared[0], ServiceError):
        raise prepared[0]
    rows, maps = await _compute(model, good, chosen)
    answers = iter(zip(rows, maps, strict=True))
    predictions: list[dict[str, object]] = [
        _prediction(model, file, one, *next(answers), top)
        if isinstance(one, Prepared)
        else {"filename": file.filename, "error": describe(one)}
        for file, one in zip(files, prepared, strict=True)
    ]
    if masks is not None and good:
        await _ablate(model, good, masks, rows, [one for one in predictions if "label" in one], top)
    manifest = model.manifest
    return JSON(
        {"model": manifest.name, "version": manifest.version, "predictions": predictions},
        headers={"Vary": "Accept"},
    )


async def _prepare(intake: Intake, model: Model, file: Upload) -> Prepared | ServiceError:
    try:
        return await intake.prepare(file.data, model.manifest)
    except ServiceError as problem:
        return problem


def _layers(model: Model, names: str | None) -> list[str]:
    chosen = [] if names is None else [name.strip() for name in names.split(",")]
    if len(chosen) > len(model.manifest.layers):
        raise Invalid("`layers` names more layers than the model has.")
    return [model.layer(name).name for name in chosen]


async def _compute(
    model: Model, images: Sequence[Prepared], layers: Sequence[str]
) -> tuple[NDArray[np.float32], Sequence[Activations]]:
    """The probabilities (n, classes) and, where layers are asked for, all outputs an image."""
    if not images:
        return np.empty((0, len(model.manifest.labels)), np.float32), []
    if not layers:
        rows = await model.batcher(np.stack([image.pixels for image in images]))
        return rows, [{}] * len(images)
    outputs = await asyncio.gather(*(model.activations(image.pixels) for image in images))
    last = model.manifest.layers[-1].name
    kept = [{name: output[name] for name in layers} for output in outputs]
    return np.stack([output[last] for output in outputs]), kept


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
        change = (row - full).tolist()
        prediction["change"] = dict(zip(labels, change, strict=True))


def _prediction(
    model: Model,
    file: Upload,
    prepared: Prepared,
    row: NDArray[np.float32],
    maps: Activations,
    top: int | None,
) -> dict[str, object]:
    token = tokens.encode(prepared.pixels)
    prediction: dict[str, object] = {
        "filename": file.filename,
        **_answer(row, model.manifest.labels, top),
        "image": token,
        "prepared": prepared.steps,
        "links": links.of_image(model.manifest, token),
    }
    if maps:
        prediction["maps"] = {
            name: {"shape": values.shape, "values": representations.maps_first(values)}
            for name, values in maps.items()
        }
    return prediction


def _answer(row: NDArray[np.float32], labels: Sequence[str], top: int | None) -> dict[str, object]:
    """The most probable class, and the probabilities of all or of the `top` best."""
    index = int(row.argmax())
    order = range(len(labels)) if top is None else np.argsort(-row, kind="stable")[:top].tolist()
    probabilities = row.tolist()
    return {
        "label": labels[index],
        "index": index,
        "confidence": probabilities[index],
        "probabilities": {labels[i]: probabilities[i] for i in order},
    }
