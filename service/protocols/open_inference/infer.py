"""`POST /v2/models/{name}/infer`: images in, requested outputs out, as JSON or as bytes."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from service.errors import Malformed, NotFound, NotReady, TooLarge
from service.http.problems import documented_plain
from service.models.model import Model
from service.protocols import compression, outputs
from service.protocols.json_body import INLINE_BYTES
from service.protocols.open_inference import response
from service.protocols.open_inference.metadata import Tensor
from service.protocols.open_inference.request import DATATYPE, INPUT, InferenceRequest, parse
from service.protocols.open_inference.response import InferenceResponse
from service.routes.subject import model_of
from service.settings import Settings

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

HEADER_LENGTH = "Inference-Header-Content-Length"


class Output(Tensor):
    """One output: flat `data` in row-major order, or `binary_data_size` bytes after the JSON."""

    data: list[float] | list[str] | None = None
    parameters: dict[str, int] | None = None


class Inference(BaseModel):
    """The outputs of the images, in the order of the request."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[Output]


_TENSOR_VALUES = {"type": "array", "items": {}, "description": "Nested as in `shape`, or flat."}
_PARAMETERS = {"type": "object", "additionalProperties": True}
_INFER: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {
            "model": Inference,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
            "description": "JSON, followed by the bytes of the outputs with `binary_data`.",
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
                "description": "Length of the JSON, in bytes, if tensor bytes follow it.",
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
    """Outputs of a model's newest version for images, uint8 (n, height, width, channels).

    `outputs` names what to return: `probabilities`, which is the default, `logits`, or any layer's
    output, such as `conv1`, or `conv1/pre` before the activation. The metadata lists all of them.
    """
    return await _infer(request, model_of(request, name, None))


@router.post("/models/{name}/versions/{version}/infer", **_INFER)
async def version_infer(request: Request, name: str, version: int) -> Response:
    """Outputs of one version of a model; see the route without a version."""
    return await _infer(request, model_of(request, name, version))


async def _infer(request: Request, model: Model) -> Response:
    parsed = await _parse(request, model)
    manifest = model.manifest
    names = [one.name for one in parsed.outputs]
    limits = ((True, outputs.MAX_BINARY_VALUES), (False, outputs.MAX_JSON_VALUES))
    for binary, most in limits:
        some = [one.name for one in parsed.outputs if one.binary is binary]
        outputs.check(manifest, some, len(parsed.images), most)
    response.check(manifest, parsed.outputs)
    computed = await outputs.compute(model, parsed.images, names)
    encoding = compression.requested(request.headers.get("accept-encoding"))

    def render() -> Response:
        return _respond(response.render(manifest, parsed, computed), encoding)

    if encoding is None and sum(values.nbytes for values in computed.values()) <= INLINE_BYTES:
        return render()
    return await asyncio.to_thread(render)


async def _parse(request: Request, model: Model) -> InferenceRequest:
    settings: Settings = request.app.state.settings
    body = await request.body()
    encoding = request.headers.get("content-encoding")
    length = request.headers.get(HEADER_LENGTH)

    def decode() -> InferenceRequest:
        plain = compression.decompress(body, encoding, settings.max_request_bytes)
        return parse(plain, length, model.manifest, settings.max_images)

    if encoding is None and len(body) <= INLINE_BYTES:
        return decode()
    return await asyncio.to_thread(decode)


def _respond(answer: InferenceResponse, encoding: str | None) -> Response:
    headers: dict[str, str] = {}
    body, media_type = answer.body, "application/json"
    if answer.header_length is not None:
        headers[HEADER_LENGTH] = str(answer.header_length)
        media_type = "application/octet-stream"
    if encoding is not None:
        headers["Content-Encoding"] = encoding
        body = compression.compress(body, encoding)
    return Response(body, headers=headers, media_type=media_type)
