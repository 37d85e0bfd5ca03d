"""`/v1/models`: status and metadata of the models by TensorFlow Serving's REST API.

https://www.tensorflow.org/tfx/serving/api_rest
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from service.errors import Malformed, NotFound, NotReady
from service.http.problems import documented_plain
from service.models.model import Model
from service.models.registry import Models
from service.protocols.tfserving import signatures
from service.protocols.tfserving.signatures import Signature, Tensor
from service.routes.subject import model_of

router = APIRouter(prefix="/v1/models", tags=["TensorFlow Serving"])

UNKNOWN = documented_plain(Malformed, NotFound, NotReady)


class NoError(BaseModel):
    """The status of a version without an error."""

    error_code: str = "OK"
    error_message: str = ""


class VersionStatus(BaseModel):
    """One loaded version."""

    version: str
    state: str = "AVAILABLE"
    status: NoError = NoError()


class Status(BaseModel):
    """The versions of one model, newest first."""

    model_config = ConfigDict(protected_namespaces=())

    model_version_status: list[VersionStatus]


@router.get("/{name}", responses=UNKNOWN)
async def status(request: Request, name: str) -> Status:
    """Status of a model's versions."""
    models: Models = request.app.state.models
    models.get(name)
    versions = models.versions(name)[::-1]
    return Status(model_version_status=[VersionStatus(version=str(one)) for one in versions])


@router.get("/{name}/versions/{version}", responses=UNKNOWN)
async def version_status(request: Request, name: str, version: int) -> Status:
    """Status of one version of a model."""
    model_of(request, name, version)
    return Status(model_version_status=[VersionStatus(version=str(version))])


@router.get("/{name}/metadata", responses=UNKNOWN)
async def metadata(request: Request, name: str) -> dict[str, Any]:
    """Signatures of a model's newest version: inputs and outputs with dtypes and shapes."""
    return _metadata(model_of(request, name, None))


@router.get("/{name}/versions/{version}/metadata", responses=UNKNOWN)
async def version_metadata(request: Request, name: str, version: int) -> dict[str, Any]:
    """Signatures of one version of a model."""
    return _metadata(model_of(request, name, version))


def _metadata(model: Model) -> dict[str, Any]:
    manifest = model.manifest
    defined = {name: _described(one) for name, one in signatures.signatures(model).items()}
    return {
        "model_spec": {
            "name": manifest.name,
            "signature_name": "",
            "version": str(manifest.version),
        },
        "metadata": {"signature_def": {"signature_def": defined}},
    }


def _described(signature: Signature) -> dict[str, Any]:
    return {
        "inputs": _tensors(signature.inputs),
        "outputs": _tensors(signature.outputs),
        "method_name": "tensorflow/serving/predict",
    }


def _tensors(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {
        name: {
            "dtype": tensor.dtype,
            "tensor_shape": {
                "dim": [{"size": str(size), "name": ""} for size in tensor.shape],
                "unknown_rank": False,
            },
            "name": name,
        }
        for name, tensor in tensors.items()
    }
