"""`POST /v1/models/{name}:predict`: images in, outputs out, both by row or both by column."""

import asyncio
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel

from service.errors import Malformed, NotFound, NotReady, TooLarge
from service.http.json_response import JSON
from service.http.problems import documented_plain
from service.images.reader import ImageReader
from service.models.model import Model
from service.protocols import base64_images, compression, outputs
from service.protocols.json_body import INLINE_BYTES
from service.protocols.outputs import Outputs
from service.protocols.tfserving.request import PredictRequest, parse
from service.routes.subject import model_of
from service.settings import Settings

router = APIRouter(prefix="/v1/models", tags=["TensorFlow Serving"])


class PredictionsByRow(BaseModel):
    """For each image the output's value, or for several outputs an object of them."""

    predictions: list[Any]


class OutputsByColumn(BaseModel):
    """The output's values for all images, or for several outputs an object of these lists."""

    outputs: list[Any] | dict[str, list[Any]]


_VALUES = {"description": "Values, or objects with the values of the inputs by name."}
_PREDICT: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {
            "model": PredictionsByRow | OutputsByColumn,
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
    """Outputs of a model's newest version for images.

    An image is a nested list of whole numbers from 0 to 255 in the model's input shape, or
    `{"b64": …}` with an image file, which is prepared like an upload, or with raw pixels.
    `signature_name` is `serving_default`, `activations` or `grad_cam`. `output_filter` names the
    outputs to return, as in the gRPC API.
    """
    return await _predict(request, model_of(request, name, None))


@router.post("/{name}/versions/{version}:predict", **_PREDICT)
async def version_predict(request: Request, name: str, version: int) -> JSON:
    """Outputs of one version of a model for images; see the route without a version."""
    return await _predict(request, model_of(request, name, version))


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
    model_of(request, name, None)
    raise NotFound(f"version of {name} with the label", label, ())


async def _predict(request: Request, model: Model) -> JSON:
    parsed = await _parse(request, model)
    images = await _decode(request.app.state.image_reader, model, parsed)
    computed = await _compute(model, images, parsed)
    if sum(values.nbytes for values in computed.values()) <= INLINE_BYTES:
        return _answer(parsed, computed)
    return await asyncio.to_thread(_answer, parsed, computed)


async def _parse(request: Request, model: Model) -> PredictRequest:
    settings: Settings = request.app.state.settings
    body = await request.body()
    encoding = request.headers.get("content-encoding")

    def decode() -> PredictRequest:
        plain = compression.decompress(body, encoding, settings.max_request_bytes)
        return parse(plain, model, settings.max_images)

    if encoding is None and len(body) <= INLINE_BYTES:
        return decode()
    return await asyncio.to_thread(decode)


async def _decode(reader: ImageReader, model: Model, parsed: PredictRequest) -> NDArray[np.uint8]:
    if not isinstance(parsed.images, list):
        return parsed.images
    waiting = reader.waiting
    decoded = (
        base64_images.pixels(reader, model.manifest, data, number, waiting)
        for number, data in enumerate(parsed.images)
    )
    return np.stack(await asyncio.gather(*decoded))


async def _compute(model: Model, images: NDArray[np.uint8], parsed: PredictRequest) -> Outputs:
    if parsed.index is not None:
        heat = (
            model.grad_cam(image, [one]) for image, one in zip(images, parsed.index, strict=True)
        )
        return {"heatmap": np.concatenate(await asyncio.gather(*heat))}
    return await outputs.compute(model, images, parsed.outputs)


def _answer(parsed: PredictRequest, computed: Outputs) -> JSON:
    """A single output as a plain value, several by name; by row or by column like the request."""
    only = computed[parsed.outputs[0]] if len(parsed.outputs) == 1 else None
    if not parsed.by_row:
        return JSON({"outputs": computed if only is None else only})
    if only is not None:
        return JSON({"predictions": only})
    count = len(next(iter(computed.values())))
    return JSON(
        {
            "predictions": [
                {name: values[i] for name, values in computed.items()} for i in range(count)
            ]
        }
    )
