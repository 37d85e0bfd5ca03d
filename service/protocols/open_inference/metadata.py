"""`/v2`: health and metadata of the server and its models by the Open Inference Protocol.

https://github.com/kserve/open-inference-protocol; the extensions are those of NVIDIA Triton.
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
from service.routes.subject import model_of

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

UNKNOWN = documented_plain(Malformed, NotFound, NotReady)


class Live(BaseModel):
    """The server is running."""

    live: bool = True


class Ready(BaseModel):
    """The models are loaded."""

    ready: bool = True


class ModelReady(BaseModel):
    """One model is loaded."""

    name: str
    ready: bool = True


class Server(BaseModel):
    """The server's name, version and protocol extensions."""

    name: str = "convlens"
    version: str = version("convlens")
    extensions: list[str] = ["binary_tensor_data", "classification", "model_repository"]


class Tensor(BaseModel):
    """One input or output; −1 in `shape` stands for the number of images."""

    name: str
    datatype: str
    shape: list[int]


class Metadata(BaseModel):
    """A model's versions, its input, and its outputs: `probabilities`, `logits` and every layer."""

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
    """Whether the server is running."""
    return Live()


@router.get("/health/ready", responses=documented_plain(NotReady))
async def ready(request: Request) -> Ready:
    """Whether the models are loaded and checked against their golden outputs; 503 until then."""
    model_of(request, None, None)
    return Ready()


@router.get("/models/{name}", responses=UNKNOWN)
async def metadata(request: Request, name: str) -> Metadata:
    """Inputs and outputs of a model's newest version."""
    return _metadata(request, model_of(request, name, None))


@router.get("/models/{name}/versions/{version}", responses=UNKNOWN)
async def version_metadata(request: Request, name: str, version: int) -> Metadata:
    """Inputs and outputs of one version of a model."""
    return _metadata(request, model_of(request, name, version))


@router.get("/models/{name}/ready", responses=UNKNOWN)
async def model_ready(request: Request, name: str) -> ModelReady:
    """Whether a model is loaded."""
    return ModelReady(name=model_of(request, name, None).manifest.name)


@router.get("/models/{name}/versions/{version}/ready", responses=UNKNOWN)
async def version_ready(request: Request, name: str, version: int) -> ModelReady:
    """Whether one version of a model is loaded."""
    return ModelReady(name=model_of(request, name, version).manifest.name)


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
