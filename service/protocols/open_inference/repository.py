"""`/v2/repository`, `/v2/models/{name}/config`: extensions that the clients of NVIDIA Triton use.

Loading models and registering shared memory are refused; the status of shared memory is empty.
"""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from service.errors import Malformed, NotFound, NotReady
from service.http.problems import documented_plain
from service.models.registry import Models
from service.protocols import outputs
from service.protocols.open_inference.request import DATATYPE, INPUT
from service.routes.subject import model_of

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])


class IndexEntry(BaseModel):
    """One loaded version of a model."""

    name: str
    version: str
    state: str = "READY"
    reason: str = ""


class ModelNames(BaseModel):
    """The names of the models."""

    models: list[str]


class ConfiguredTensor(BaseModel):
    """One input or output; `dims` leaves out the number of images."""

    name: str
    data_type: str
    dims: list[int]
    format: str = "FORMAT_NONE"


class Configuration(BaseModel):
    """The part of Triton's model configuration that its clients read."""

    name: str
    platform: str = "tensorflow_savedmodel"
    backend: str = "tensorflow"
    max_batch_size: int
    input: list[ConfiguredTensor]
    output: list[ConfiguredTensor]


@router.get("/models", responses=documented_plain(NotReady))
async def list_models(request: Request) -> ModelNames:
    """List the names of the models."""
    return ModelNames(models=sorted({one.name for one in _index(request)}))


@router.post("/repository/index", responses=documented_plain(NotReady))
async def index(request: Request) -> list[IndexEntry]:
    """List every loaded version of every model."""
    return _index(request)


@router.get("/models/{name}/config", responses=documented_plain(Malformed, NotFound, NotReady))
async def configuration(request: Request, name: str) -> Configuration:
    """Triton's configuration of a model's newest version."""
    return _configuration(request, name, None)


@router.get(
    "/models/{name}/versions/{version}/config",
    responses=documented_plain(Malformed, NotFound, NotReady),
)
async def version_configuration(request: Request, name: str, version: int) -> Configuration:
    """Triton's configuration of one version of a model."""
    return _configuration(request, name, version)


@router.post("/repository/models/{name}/load", include_in_schema=False)
@router.post("/repository/models/{name}/unload", include_in_schema=False)
async def load(name: str) -> None:
    raise Malformed("The models are those of the models folder: a client cannot load any.")


@router.post("/{kind}sharedmemory/region/{name}/register", include_in_schema=False)
async def share(kind: str, name: str) -> None:
    raise Malformed("Shared memory is not offered here: send tensors in the request.")


@router.get("/{kind}sharedmemory/status", include_in_schema=False)
@router.get("/{kind}sharedmemory/region/{name}/status", include_in_schema=False)
async def shared(kind: str) -> list[Any]:
    return []


@router.post("/{kind}sharedmemory/unregister", include_in_schema=False)
@router.post("/{kind}sharedmemory/region/{name}/unregister", include_in_schema=False)
async def unshare(kind: str) -> None:
    """Answer 200: clients unregister all shared memory when they start."""


def _index(request: Request) -> list[IndexEntry]:
    models: Models = request.app.state.models
    models.get()
    return [
        IndexEntry(name=one.manifest.name, version=str(version))
        for one in models.newest()
        for version in models.versions(one.manifest.name)
    ]


def _configuration(request: Request, name: str, version: int | None) -> Configuration:
    manifest = model_of(request, name, version).manifest
    dims = list(manifest.input_shape)
    return Configuration(
        name=manifest.name,
        max_batch_size=request.app.state.settings.max_images,
        input=[
            ConfiguredTensor(
                name=INPUT, data_type=f"TYPE_{DATATYPE}", dims=dims, format="FORMAT_NHWC"
            )
        ],
        output=[
            ConfiguredTensor(name=name, data_type="TYPE_FP32", dims=list(shape))
            for name, shape in outputs.shapes(manifest).items()
        ],
    )
