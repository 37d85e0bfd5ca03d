"""Feature maps and pooled maps of one image: a layer or one map, as JSON, PNG or .npy."""

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from starlette.responses import Response

from service.drawing import grid
from service.errors import Invalid, NotFound
from service.http.fast_routes import DirectRoute
from service.manifest import Layer
from service.models.model import Activations
from service.routes import answers, links
from service.routes.subject import Subject, SubjectQuery, add_for_image, model_of, subject_of

router = APIRouter(tags=["maps"], route_class=DirectRoute)

Scale = Literal["layer", "map"]
Stage = Literal["pre", "post"]


class View(SubjectQuery):
    """Which maps are wanted, and how."""

    format: str | None = Field(
        None, description="Overrides the `Accept` header.", examples=["json", "png", "npy"]
    )
    scale: Scale = Field(
        "layer", description="One colour scale for the layer, or one for each map."
    )
    stage: Stage = Field("post", description="Before or after the activation.")


Chosen = Annotated[View, Query()]


class Statistics(BaseModel):
    """Over the cells of one map or of all: `zeros` is the share that is exactly 0."""

    minimum: float
    maximum: float
    mean: float
    zeros: float


class Map(BaseModel):
    """One map: `values[row][column]`."""

    index: int
    statistics: Statistics
    values: list[list[float]]


class LayerMaps(BaseModel):
    """All maps of a layer for one image; `shape` is (height, width, maps)."""

    model: str
    version: int
    layer: str
    stage: str
    image: str
    shape: tuple[int, int, int]
    statistics: Statistics
    maps: list[Map]


class LayerMap(BaseModel):
    """One map of a layer for one image; `shape` is (height, width)."""

    model: str
    version: int
    layer: str
    stage: str
    image: str
    shape: tuple[int, int]
    index: int
    statistics: Statistics
    values: list[list[float]]


def _add(kind: str) -> None:
    """The routes of one kind of maps: GET for a linked image, POST for one in the request."""

    async def layer_maps(request: Request, view: Chosen, name: str) -> Response:
        """All maps of a layer: JSON, a PNG grid, or .npy of shape (height, width, maps)."""
        subject = await _subject(request, view)
        layer = links.layer_of(subject.model.manifest, subject.model.layer(name), kind)
        return await _answer(request, subject, layer, None, view)

    async def one_map(request: Request, view: Chosen, name: str, index: int) -> Response:
        """One map of a layer: JSON, PNG, or .npy of shape (height, width)."""
        subject = await _subject(request, view)
        layer = links.layer_of(subject.model.manifest, subject.model.layer(name), kind)
        if not 0 <= index < layer.output_shape[-1]:
            raise NotFound(f"map of {layer.name}", index, [f"0 to {layer.output_shape[-1] - 1}"])
        return await _answer(request, subject, layer, index, view)

    path = f"/layers/{{name}}/{kind}"
    called = kind.replace("-", "_")
    every = answers.documented(LayerMaps)
    add_for_image(router, path, layer_maps, every, called)
    one = answers.documented(LayerMap)
    add_for_image(router, path + "/{index}", one_map, one, f"{called}_one")


async def _subject(request: Request, view: View) -> Subject:
    model = model_of(request, view.model, view.version)
    return await subject_of(request, model, view.image, view.sample)


async def _answer(
    request: Request, subject: Subject, layer: Layer, index: int | None, view: View
) -> Response:
    manifest = subject.model.manifest
    chosen = answers.choose(request, view.format, ("json", "png", "npy"))
    tag = answers.etag(request, manifest.digest, subject.token, chosen)
    if (answer := answers.unchanged(request, tag)) is not None:
        return answer
    maps = _stage(await subject.model.activations(subject.pixels), layer, view.stage)
    title = f"{manifest.name} · {layer.name}"
    title += " before activation" if view.stage == "pre" else ""
    makers = {
        "json": lambda: _document(subject, layer, view.stage, maps, index),
        "png": lambda: _picture(maps, index, title, view.scale),
        "npy": lambda: answers.npy(maps if index is None else maps[..., index]),
    }
    at_once = chosen == "npy" and maps.nbytes <= answers.SMALL
    return await answers.respond(chosen, tag, makers[chosen], at_once)


def _stage(outputs: Activations, layer: Layer, stage: Stage) -> NDArray[np.float32]:
    """The maps, (h, w, maps); a global pooling layer's are 1×1."""
    name = layer.name if stage == "post" else f"{layer.name}/pre"
    if name not in outputs:
        raise Invalid(f"{layer.name} has no activation of its own: leave `stage` out.")
    maps = outputs[name]
    return maps if maps.ndim == 3 else maps.reshape(1, 1, -1)


def _picture(maps: NDArray[np.float32], index: int | None, title: str, scale: Scale) -> bytes:
    if index is None:
        return grid.grid(maps, title, scale)
    return grid.single(maps, title, index, scale)


def _document(
    subject: Subject, layer: Layer, stage: Stage, maps: NDArray[np.float32], index: int | None
) -> dict[str, object]:
    manifest = subject.model.manifest
    document: dict[str, object] = {
        "model": manifest.name,
        "version": manifest.version,
        "layer": layer.name,
        "stage": stage,
        "image": subject.token,
    }
    if index is None:
        each = [
            {"index": i, "statistics": statistics(one), "values": one}
            for i, one in enumerate(answers.maps_first(maps))
        ]
        return {**document, "shape": maps.shape, "statistics": statistics(maps), "maps": each}
    one = np.ascontiguousarray(maps[..., index])
    shown = {"shape": one.shape, "index": index, "statistics": statistics(one), "values": one}
    return {**document, **shown}


def statistics(values: NDArray[np.float32]) -> dict[str, float]:
    """Minimum, maximum, mean and the share of exact zeros."""
    return {
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "mean": float(values.mean()),
        "zeros": float((values == 0).mean()),
    }


_add(links.MAPS)
_add(links.POOLED)
