"""`/v2`: what the Open Inference Protocol says of the server and its models.

https://github.com/kserve/open-inference-protocol; the extensions are Triton's.
"""

from importlib.metadata import version

from fastapi import APIRouter, Request
from pydantic import BaseModel

from service.errors import Malformed, NotFound, NotReady
from service.http.problems import documented_plain
from service.models.model import Model
from service.models.registry import Models
from service.protocols import outputs
from service.protocols.open_inference.request import DATATYPE, INPUT

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

UNKNOWN = documented_plain(Malformed, NotFound, NotReady)


class Live(BaseModel):
    """The server answers."""

    live: bool = True


class Ready(BaseModel):
    """The models are loaded."""

    ready: bool = True


class ModelReady(BaseModel):
    """One model is loaded."""

    name: str
    ready: bool = True


class Server(BaseModel):
    """Who answers, and which extensions it has."""

    name: str = "convlens"
    version: str = version("convlens")
    extensions: list[str] = ["binary_tensor_data", "classification", "model_repository"]


class Tensor(BaseModel):
    """One input or output; −1 is the number of images."""

    name: str
    datatype: str
    shape: list[int]


class Metadata(BaseModel):
    """What a model takes and gives: `probabilities` first, and every layer by its name."""

    name: str
    versions: list[str]
    platform: str = "tensorflow_savedmodel"
    inputs: list[Tensor]
    outputs: list[Tensor]


@router.get("", responses=documented_plain(NotReady))
async def server() -> Server:
    """The server's metadata."""
    return Server()


@router.get("/health/live")
async def live() -> Live:
    """The process answers."""
    return Live()


@router.get("/health/ready", responses=documented_plain(NotReady))
async def ready(request: Request) -> Ready:
    """The models are loaded, proved and warm."""
    chosen(request, None, None)
    return Ready()


@router.get("/models/{name}", responses=UNKNOWN)
async def metadata(request: Request, name: str) -> Metadata:
    """What the newest version of a model takes and gives."""
    return _metadata(request, chosen(request, name, None))


@router.get("/models/{name}/versions/{version}", responses=UNKNOWN)
async def version_metadata(request: Request, name: str, version: int) -> Metadata:
    """What a model takes and gives."""
    return _metadata(request, chosen(request, name, version))


@router.get("/models/{name}/ready", responses=UNKNOWN)
async def model_ready(request: Request, name: str) -> ModelReady:
    """A model is loaded."""
    return ModelReady(name=chosen(request, name, None).manifest.name)


@router.get("/models/{name}/versions/{version}/ready", responses=UNKNOWN)
async def version_ready(request: Request, name: str, version: int) -> ModelReady:
    """A version of a model is loaded."""
    return ModelReady(name=chosen(request, name, version).manifest.name)


def chosen(request: Request, name: str | None, version: int | None) -> Model:
    """The model that a path names; None stands for the default one, and for the newest."""
    models: Models = request.app.state.models
    return models.get(name, version)


def _metadata(request: Request, model: Model) -> Metadata:
    models: Models = request.app.state.models
    manifest = model.manifest
    shape = [-1, *manifest.input_shape]
    return Metadata(
        name=manifest.name,
        versions=[str(one) for one in models.versions(manifest.name)],
        inputs=[Tensor(name=INPUT, datatype=DATATYPE, shape=shape)],
        outputs=[
            Tensor(name=name, datatype="FP32", shape=[-1, *shape])
            for name, shape in outputs.shapes(manifest).items()
        ],
    )
