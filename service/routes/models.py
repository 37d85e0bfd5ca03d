"""`GET /models`, `/layers`, `POST /models/reload`: the loaded models and their layers."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from service.errors import Forbidden, Invalid, NotFound, NotReady
from service.http.problems import documented
from service.manifest import Layer, Manifest
from service.models.model import Model
from service.models.registry import Models
from service.models.reloading import Watcher
from service.routes import links
from service.routes.subject import ChosenModel

router = APIRouter(tags=["models"])


class ServedModel(Manifest):
    """A model's manifest, and all loaded versions of that model."""

    versions: list[int]


class ServedModels(BaseModel):
    """The newest version of every model; `default` answers requests that name no model."""

    default: str
    models: list[ServedModel]


class ServedLayer(Layer):
    """A layer, and the URLs of its description and its maps."""

    links: dict[str, str]


class ServedLayers(BaseModel):
    """The layers of one model in the order of the forward pass."""

    model: str
    version: int
    layers: list[ServedLayer]


@router.get("/models", responses=documented(NotReady))
async def list_models(request: Request) -> ServedModels:
    """List every loaded model as its manifest describes it."""
    models: Models = request.app.state.models
    default = models.get().manifest.name
    return ServedModels(default=default, models=[_served(models, one) for one in models.newest()])


@router.get("/models/{name}", responses=documented(NotFound, Invalid, NotReady))
async def show_model(request: Request, name: str, version: int | None = None) -> ServedModel:
    """One model: labels, layers, parameter formulas, recipe and test metrics."""
    models: Models = request.app.state.models
    return _served(models, models.get(name, version))


@router.get("/layers", responses=documented(NotFound, Invalid, NotReady))
async def list_layers(model: ChosenModel) -> ServedLayers:
    """List the layers of a model: shapes, kernels, strides and the URLs of their maps."""
    manifest = model.manifest
    layers = [_layer(manifest, layer) for layer in manifest.layers]
    return ServedLayers(model=manifest.name, version=manifest.version, layers=layers)


@router.get("/layers/{name}", responses=documented(NotFound, Invalid, NotReady))
async def show_layer(model: ChosenModel, name: str) -> ServedLayer:
    """One layer of a model."""
    return _layer(model.manifest, model.layer(name))


class Reloaded(BaseModel):
    """The loaded versions by model in the worker that answers, and why it refused others."""

    models: dict[str, list[int]]
    refused: list[str]


@router.post("/models/reload", responses=documented(Forbidden))
async def reload(request: Request) -> Reloaded:
    """Look for new versions of models now, in the worker that answers; needs a key.

    Every worker also looks by itself every few seconds.
    """
    if request.app.state.settings.keys is None:
        raise Forbidden("Reloading on request needs keys: start the service with --keys.")
    watcher: Watcher = request.app.state.watcher
    refused = await watcher.look()
    models: Models = request.app.state.models
    served = {name: sorted(versions) for name, versions in models.loaded.items()}
    return Reloaded(models=served, refused=refused)


def _served(models: Models, model: Model) -> ServedModel:
    manifest = model.manifest
    return ServedModel(**dict(manifest), versions=models.versions(manifest.name))


def _layer(manifest: Manifest, layer: Layer) -> ServedLayer:
    return ServedLayer(**dict(layer), links=links.of_layer(manifest, layer))
