"""`POST /v1/models/{name}:predict`: images by rows or by columns in, outputs the same way out."""

import asyncio
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel

from service.errors import Malformed, NotFound, NotReady, TooLarge
from service.http.problems import documented_plain
from service.images.reader import ImageReader
from service.models.model import Model
from service.protocols import base64_images, compression, outputs
from service.protocols.outputs import Outputs
from service.protocols.tfserving import request as rows
from service.protocols.tfserving.metadata import chosen
from service.protocols.tfserving.request import Predict
from service.routes.answers import JSON
from service.settings import Settings

router = APIRouter(prefix="/v1/models", tags=["TensorFlow Serving"])

# Up to this many bytes, parsing takes less time than the hop to another thread.
SMALL = 64 * 1024


class Predictions(BaseModel):
    """One value an image, or for several outputs one object an image."""

    predictions: list[Any]


class Columns(BaseModel):
    """The output's values, or for several outputs all of them by name."""

    outputs: list[Any] | dict[str, list[Any]]


_VALUES = {"description": "Values, lists of them, or objects by the inputs' names."}
_PREDICT: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {
            "model": Predictions | Columns,
            "description": "`predictions` for `instances`, `outputs` for `inputs`.",
        },
        **documented_plain(Malformed, NotFound, TooLarge, NotReady),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "signature_name": {"type": "string"},
                            "instances": {"type": "array", "items": {}, **_VALUES},
                            "inputs": _VALUES,
                            "output_filter": {"type": "array", "items": {"type": "string"}},
                        },
                    }
                }
            },
        }
    },
}


@router.post("/{name}:predict", **_PREDICT)
async def predict(request: Request, name: str) -> JSON:
    """Outputs of images by the newest version of a model.

    An image is a nested list of whole numbers from 0 to 255, or `{"b64": …}`: an image file's
    bytes, which are prepared like an upload, or the pixels' own. `signature_name` is
    `serving_default`, `activations` or `grad_cam`; `output_filter` names the outputs to
    return, as in the gRPC request.
    """
    return await _predict(request, chosen(request, name, None))


@router.post("/{name}/versions/{version}:predict", **_PREDICT)
async def version_predict(request: Request, name: str, version: int) -> JSON:
    """The same by one version of a model."""
    return await _predict(request, chosen(request, name, version))


@router.post("/{name}:classify", include_in_schema=False)
@router.post("/{name}:regress", include_in_schema=False)
@router.post("/{name}/versions/{version}:classify", include_in_schema=False)
@router.post("/{name}/versions/{version}:regress", include_in_schema=False)
async def examples(name: str) -> None:
    raise Malformed("The models have no signature that takes examples: send images to :predict.")


@router.get("/{name}/labels/{label}", include_in_schema=False)
@router.get("/{name}/labels/{label}/metadata", include_in_schema=False)
@router.post("/{name}/labels/{label}:{verb}", include_in_schema=False)
async def labelled(request: Request, name: str, label: str) -> None:
    chosen(request, name, None)
    raise NotFound(f"version of {name} with the label", label, ())


async def _predict(request: Request, model: Model) -> JSON:
    asked = await _read(request, model)
    images = await _decode(request.app.state.image_reader, model, asked)
    found = await _compute(model, images, asked)
    if sum(values.nbytes for values in found.values()) <= SMALL:
        return _answer(asked, found)
    return await asyncio.to_thread(_answer, asked, found)


async def _read(request: Request, model: Model) -> Predict:
    settings: Settings = request.app.state.settings
    body = await request.body()
    encoding = request.headers.get("content-encoding")

    def parse() -> Predict:
        plain = compression.decompress(body, encoding, settings.max_request_bytes)
        return rows.parse(plain, model, settings.max_images)

    if encoding is None and len(body) <= SMALL:
        return parse()
    return await asyncio.to_thread(parse)


async def _decode(reader: ImageReader, model: Model, asked: Predict) -> NDArray[np.uint8]:
    if not isinstance(asked.images, list):
        return asked.images
    waiting = reader.waiting
    decoded = (
        base64_images.pixels(reader, model.manifest, data, number, waiting)
        for number, data in enumerate(asked.images)
    )
    return np.stack(await asyncio.gather(*decoded))


async def _compute(model: Model, images: NDArray[np.uint8], asked: Predict) -> Outputs:
    if asked.index is not None:
        heat = (
            model.grad_cam(image, [one]) for image, one in zip(images, asked.index, strict=True)
        )
        return {"heatmap": np.concatenate(await asyncio.gather(*heat))}
    return await outputs.compute(model, images, asked.names)


def _answer(asked: Predict, found: Outputs) -> JSON:
    """One output without its name, several with; row by row as the request was, or by columns."""
    only = found[asked.names[0]] if len(asked.names) == 1 else None
    if not asked.by_row:
        return JSON({"outputs": found if only is None else only})
    if only is not None:
        return JSON({"predictions": only})
    count = len(next(iter(found.values())))
    return JSON(
        {"predictions": [{n: values[i] for n, values in found.items()} for i in range(count)]}
    )
