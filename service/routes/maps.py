"""`/layers/{name}/feature-maps` and `/pooled-maps`: a layer's maps, or one map, for one image."""

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from starlette.responses import Response

from service.drawing import grid
from service.errors import Invalid, NotFound
from service.manifest import Layer
from service.models.model import Activations
from service.routes import answers, links
from service.routes.subject import Subject, SubjectQuery, add_for_image, model_of, subject_of

router = APIRouter(tags=["maps"])

Scale = Literal["layer", "map"]
Stage = Literal["pre", "post"]


class View(SubjectQuery):
    """The query parameters: the model and the image, and how to show the maps."""

    format: str | None = Field(
        None,
        description="`json`, `png` or `npy`; overrides the `Accept` header.",
        examples=["json", "png", "npy"],
    )
    scale: Scale = Field(
        "layer",
        description="In a PNG, one colour scale for all maps of the layer, or one for each map.",
    )
    stage: Stage = Field(
        "post", description="The maps before (`pre`) or after (`post`) the activation."
    )


ViewQuery = Annotated[View, Query()]


class Statistics(BaseModel):
    """Over the cells of one map or of all maps of a layer."""

    minimum: float
    maximum: float
    mean: float
    zeros: float = Field(description="Share of cells that are exactly 0.")


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


def _add_routes(kind: str) -> None:
    """Register the routes of `feature-maps` or of `pooled-maps`."""

    async def layer_maps(request: Request, view: ViewQuery, name: str) -> Response:
        """All maps of a layer for one image: JSON, a PNG grid, or .npy, float32 (h, w, maps).

        For `pooled-maps`, a layer that feeds a pooling layer stands for that pooling layer.
        """
        subject = await _subject(request, view)
        layer = links.layer_of(subject.model.manifest, subject.model.layer(name), kind)
        return await _answer(request, subject, layer, None, view)

    async def one_map(request: Request, view: ViewQuery, name: str, index: int) -> Response:
        """One map of a layer for one image: JSON, PNG, or .npy, float32 (height, width)."""
        subject = await _subject(request, view)
        layer = links.layer_of(subject.model.manifest, subject.model.layer(name), kind)
        if not 0 <= index < layer.output_shape[-1]:
            raise NotFound(f"map of {layer.name}", index, [f"0 to {layer.output_shape[-1] - 1}"])
        return await _answer(request, subject, layer, index, view)

    path = f"/layers/{{name}}/{kind}"
    route = kind.replace("-", "_")
    add_for_image(router, path, layer_maps, answers.documented(LayerMaps), route)
    responses = answers.documented(LayerMap)
    add_for_image(router, path + "/{index}", one_map, responses, f"{route}_one")


async def _subject(request: Request, view: View) -> Subject:
    model = model_of(request, view.model, view.version)
    return await subject_of(request, model, view.image, view.sample)


async def _answer(
    request: Request, subject: Subject, layer: Layer, index: int | None, view: View
) -> Response:
    manifest = subject.model.manifest
    chosen = answers.choose_format(request, view.format, ("json", "png", "npy"))
    tag = answers.etag(request, manifest.digest, subject.token, chosen)
    if (answer := answers.not_modified(request, tag)) is not None:
        return answer
    maps = _maps_of(await subject.model.activations(subject.pixels), layer, view.stage)
    title = f"{manifest.name} · {layer.name}"
    title += " before activation" if view.stage == "pre" else ""
    encoders = {
        "json": lambda: _document(subject, layer, view.stage, maps, index),
        "png": lambda: _picture(maps, index, title, view.scale),
        "npy": lambda: answers.npy(maps if index is None else maps[..., index]),
    }
    inline = chosen == "npy" and maps.nbytes <= answers.INLINE_BYTES
    return await answers.respond(chosen, tag, encoders[chosen], inline)


def _maps_of(outputs: Activations, layer: Layer, stage: Stage) -> NDArray[np.float32]:
    """The layer's maps before or after its activation, (h, w, maps); 1×1 for global pooling."""
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
    """Minimum, maximum, mean and share of exact zeros of `values`, of any shape."""
    return {
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "mean": float(values.mean()),
        "zeros": float((values == 0).mean()),
    }


_add_routes(links.MAPS)
_add_routes(links.POOLED)
