"""`GET /layers/{name}/filters`: the kernels of a convolution layer, all of them or one map's."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from service.drawing import kernels
from service.errors import NotFound, WrongKind
from service.models.model import Model
from service.routes import answers
from service.routes.subject import ChosenModel

router = APIRouter(tags=["filters"])

Kernel = list[list[list[float]]]


class Filters(BaseModel):
    """All kernels of a layer, `kernels[map][channel][row][column]`, and one `bias` a map.

    `shape` is (height, width, channels, maps).
    """

    model: str
    version: int
    layer: str
    shape: tuple[int, int, int, int]
    minimum: float
    maximum: float
    kernels: list[Kernel]
    bias: list[float] | None


class Filter(BaseModel):
    """One map's kernel, `kernel[channel][row][column]`; `shape` is (height, width, channels)."""

    model: str
    version: int
    layer: str
    index: int
    shape: tuple[int, int, int]
    minimum: float
    maximum: float
    kernel: Kernel
    bias: float | None


Composite = Annotated[
    bool, Query(description="In a PNG, draw each kernel as one RGB picture; for 3 input channels.")
]
Format = Annotated[
    str | None, Query(description="`json`, `png` or `npy`; overrides the `Accept` header.")
]


@router.get("/layers/{name}/filters", response_model=None, responses=answers.documented(Filters))
async def filters(
    request: Request,
    model: ChosenModel,
    name: str,
    format: Format = None,
    composite: Composite = False,
) -> Response:
    """All kernels: JSON, a PNG grid, or .npy, float32 (height, width, channels, maps)."""
    return await _answer(request, model, name, None, format, composite)


@router.get(
    "/layers/{name}/filters/{index}",
    response_model=None,
    responses=answers.documented(Filter),
)
async def one_filter(
    request: Request,
    model: ChosenModel,
    name: str,
    index: int,
    format: Format = None,
    composite: Composite = False,
) -> Response:
    """The kernel of one map: JSON, PNG, or .npy, float32 (height, width, channels)."""
    return await _answer(request, model, name, index, format, composite)


async def _answer(
    request: Request,
    model: Model,
    name: str,
    index: int | None,
    wanted: str | None,
    composite: bool,
) -> Response:
    layer = model.layer(name)
    if layer.kind != "convolution":
        others = [one.name for one in model.manifest.convolutions]
        raise WrongKind(f"{name} is not a convolution layer; these are: {', '.join(others)}.")
    every = model.network.weights[f"{name}/kernel"]
    if index is not None and not 0 <= index < every.shape[3]:
        raise NotFound(f"filter of {name}", index, [f"0 to {every.shape[3] - 1}"])
    if composite and every.shape[2] != 3:
        raise WrongKind(f"{name} has {every.shape[2]} input channels; `composite` needs 3.")
    chosen = answers.choose_format(request, wanted, ("json", "png", "npy"))
    tag = answers.etag(request, model.manifest.digest, chosen)
    if (answer := answers.not_modified(request, tag)) is not None:
        return answer
    kernel = every if index is None else every[..., index]
    title = f"{model.manifest.name} · {name} kernels"
    first = 0 if index is None else index
    shown = every if index is None else every[..., index : index + 1]
    encoders = {
        "json": lambda: _document(model, name, index),
        "png": lambda: kernels.draw(shown, title, first, composite),
        "npy": lambda: answers.npy(kernel),
    }
    return await answers.respond(chosen, tag, encoders[chosen])


def _document(model: Model, name: str, index: int | None) -> dict[str, Any]:
    kernel = model.network.weights[f"{name}/kernel"]
    bias = model.network.weights.get(f"{name}/bias")
    values: dict[str, Any]
    if index is None:
        values = {"kernels": np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), "bias": bias}
    else:
        kernel = kernel[..., index]
        values = {
            "index": index,
            "kernel": np.ascontiguousarray(kernel.transpose(2, 0, 1)),
            "bias": None if bias is None else float(bias[index]),
        }
    return {
        "model": model.manifest.name,
        "version": model.manifest.version,
        "layer": name,
        "shape": kernel.shape,
        "minimum": float(kernel.min()),
        "maximum": float(kernel.max()),
        **values,
    }
