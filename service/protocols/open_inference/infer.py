"""`POST /v2/models/{name}/infer`: images in, chosen outputs out, as JSON or as bytes."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from service.errors import Malformed, NotFound, NotReady, TooLarge
from service.http.problems import documented_plain
from service.models.model import Model
from service.protocols import compression, outputs
from service.protocols.open_inference import request as inference
from service.protocols.open_inference import response
from service.protocols.open_inference.metadata import Tensor, chosen
from service.protocols.open_inference.request import DATATYPE, INPUT, Inference
from service.protocols.open_inference.response import Answer
from service.settings import Settings

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

HEADER_LENGTH = "Inference-Header-Content-Length"

# Up to this many bytes, parsing takes less time than the hop to another thread.
SMALL = 64 * 1024


class Output(Tensor):
    """One output: its values in a row, or how many bytes of them follow the JSON."""

    data: list[float] | list[str] | None = None
    parameters: dict[str, int] | None = None


class Inferred(BaseModel):
    """The outputs of the images, in the order in which they were asked for."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[Output]


_TENSOR_VALUES = {"type": "array", "items": {}, "description": "Nested, or all in a row."}
_PARAMETERS = {"type": "object", "additionalProperties": True}
_INFER: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {
            "model": Inferred,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
            "description": "JSON, with bytes after it where `binary_data` asks for them.",
        },
        **documented_plain(Malformed, NotFound, TooLarge, NotReady),
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": HEADER_LENGTH,
                "in": "header",
                "required": False,
                "schema": {"type": "integer", "minimum": 0},
                "description": "Length of the JSON where tensor bytes follow it.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["inputs"],
                        "properties": {
                            "id": {"type": "string"},
                            "parameters": _PARAMETERS,
                            "inputs": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 1,
                                "items": {
                                    "type": "object",
                                    "required": ["name", "shape", "datatype"],
                                    "properties": {
                                        "name": {"const": INPUT},
                                        "shape": {"type": "array", "items": {"type": "integer"}},
                                        "datatype": {"const": DATATYPE},
                                        "parameters": _PARAMETERS,
                                        "data": _TENSOR_VALUES,
                                    },
                                },
                            },
                            "outputs": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["name"],
                                    "properties": {
                                        "name": {"type": "string"},
                                        "parameters": _PARAMETERS,
                                    },
                                },
                            },
                        },
                    }
                },
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        },
    },
}


@router.post("/models/{name}/infer", **_INFER)
async def infer(request: Request, name: str) -> Response:
    """Outputs of images, uint8 (n, height, width, channels), by the newest version of a model.

    `outputs` names what to return: `probabilities`, which is the default, `logits`, or any layer,
    such as `conv1` or `conv1/pre`. The model's metadata lists them.
    """
    return await _infer(request, chosen(request, name, None))


@router.post("/models/{name}/versions/{version}/infer", **_INFER)
async def version_infer(request: Request, name: str, version: int) -> Response:
    """The same by one version of a model."""
    return await _infer(request, chosen(request, name, version))


async def _infer(request: Request, model: Model) -> Response:
    asked = await _read(request, model)
    manifest = model.manifest
    names = [wish.name for wish in asked.wishes]
    for binary, most in ((True, outputs.MOST_BINARY), (False, outputs.MOST_JSON)):
        some = [wish.name for wish in asked.wishes if wish.binary is binary]
        outputs.check(manifest, some, len(asked.images), most)
    response.check(manifest, asked.wishes)
    found = await outputs.compute(model, asked.images, names)
    encoding = compression.wanted(request.headers.get("accept-encoding"))
    if encoding is None and sum(values.nbytes for values in found.values()) <= SMALL:
        return _respond(response.render(manifest, asked, found), None)

    def render() -> Response:
        return _respond(response.render(manifest, asked, found), encoding)

    return await asyncio.to_thread(render)


async def _read(request: Request, model: Model) -> Inference:
    settings: Settings = request.app.state.settings
    body = await request.body()
    encoding = request.headers.get("content-encoding")
    length = request.headers.get(HEADER_LENGTH)

    def parse() -> Inference:
        plain = compression.decompress(body, encoding, settings.max_request_bytes)
        return inference.parse(plain, length, model.manifest, settings.max_images)

    if encoding is None and len(body) <= SMALL:
        return parse()
    return await asyncio.to_thread(parse)


def _respond(answer: Answer, encoding: str | None) -> Response:
    headers: dict[str, str] = {}
    body, media_type = answer.body, "application/json"
    if answer.header_length is not None:
        headers[HEADER_LENGTH] = str(answer.header_length)
        media_type = "application/octet-stream"
    if encoding is not None:
        headers["Content-Encoding"] = encoding
        body = compression.compress(body, encoding)
    return Response(body, headers=headers, media_type=media_type)
