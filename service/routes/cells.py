"""One number of one map: where it comes from, as arithmetic."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.responses import Response

from service import cells, links, representations
from service.errors import NotFound, WrongKind
from service.intake import ChosenSubject, Subject, add_for_image
from service.manifest import Layer
from service.models import Activations

router = APIRouter(tags=["cells"])

Matrix = list[list[float]]


class Channel(BaseModel):
    """One input channel: window · kernel, entry by entry, and what they add up to."""

    channel: int
    window: Matrix
    is_padding: list[list[bool]]
    kernel: Matrix
    products: Matrix
    subtotal: float


class Field(BaseModel):
    """The part of the model's input that the cell sees; bottom and right are one past the end."""

    top: int
    left: int
    bottom: int
    right: int
    pixels: list[list[list[int]]]


class Cell(BaseModel):
    """A cell of a map for one image, and how far `value` is from what the model computed."""

    model: str
    version: int
    layer: str
    index: int
    row: int
    col: int
    image: str
    value: float
    model_value: float
    difference: float
    receptive_field: Field


class ConvolvedCell(Cell):
    """`value` = activation(`sum` + `bias`); `pre` is before the activation."""

    inputs: list[Channel]
    sum: float
    bias: float
    pre: float
    activation: str | None


class Place(BaseModel):
    """A place in a window."""

    row: int
    col: int


class PooledCell(Cell):
    """The maximum of `window` stands at `winner`; `ties` are as large and come later."""

    method: str
    window: Matrix
    is_padding: list[list[bool]]
    top: int
    left: int
    winner: Place | None = None
    ties: list[Place] | None = None


def _add(kind: str, document: type[Cell]) -> None:
    async def cell(
        request: Request, subject: ChosenSubject, name: str, index: int, row: int, col: int
    ) -> Response:
        """The window, the kernel and the sum behind one number; for a pool, the winner."""
        manifest = subject.model.manifest
        layer = links.layer_of(manifest, subject.model.layer(name), kind)
        if layer.kernel is None:
            raise WrongKind(
                f"{layer.name} is a layer of kind {layer.kind.replace('_', ' ')}: its numbers come"
                f" from no window. It is fed by {', '.join(layer.inputs)}."
            )
        if layer.activation not in cells.ACTIVATIONS:
            raise WrongKind(f"{layer.name} ends in {layer.activation}, which joins several cells.")
        _check(layer, row, col, index)
        tag = representations.etag(request, manifest.digest, subject.token)
        if (answer := representations.unchanged(request, tag)) is not None:
            return answer
        outputs = await subject.model.activations(subject.pixels)
        return await representations.respond(
            "json", tag, lambda: _document(subject, layer, outputs, row, col, index)
        )

    add_for_image(
        router,
        f"/layers/{{name}}/{kind}/{{index}}/cells/{{row}}/{{col}}",
        cell,
        representations.documented_json(document),
        f"{kind.replace('-', '_')}_cell",
    )


def _check(layer: Layer, row: int, col: int, index: int) -> None:
    for what, value, size in zip(
        ("row", "column", "map"), (row, col, index), layer.output_shape, strict=True
    ):
        if not 0 <= value < size:
            raise NotFound(f"{what} of {layer.name}", value, [f"0 to {size - 1}"])


def _document(
    subject: Subject, layer: Layer, outputs: Activations, row: int, col: int, index: int
) -> dict[str, Any]:
    manifest = subject.model.manifest
    source = _source(subject, layer, outputs)
    window = cells.look(layer, source, row, col)
    model_value = float(outputs[layer.name][row, col, index])
    if layer.kind == "convolution":
        kernel = subject.model.weights[f"{layer.name}/kernel"][..., index]
        bias = subject.model.weights.get(f"{layer.name}/bias")
        arithmetic = cells.convolution(
            window,
            kernel,
            0.0 if bias is None else float(bias[index]),
            layer.activation,
            model_value,
        )
    else:
        method = "average" if layer.kind == "average_pooling" else "max"
        arithmetic = cells.pooling(window, index, method, model_value)
    top, left, bottom, right = cells.receptive_field(manifest, layer, row, col)
    crop = subject.pixels[top:bottom, left:right]
    return {
        "model": manifest.name,
        "version": manifest.version,
        "layer": layer.name,
        "index": index,
        "row": row,
        "col": col,
        "image": subject.token,
        **arithmetic,
        "receptive_field": {
            "top": top,
            "left": left,
            "bottom": bottom,
            "right": right,
            "pixels": np.ascontiguousarray(crop),
        },
    }


def _source(subject: Subject, layer: Layer, outputs: Activations) -> NDArray[np.float32]:
    """What feeds `layer`: another layer's maps, or the pixels in 0..1."""
    (name,) = layer.inputs
    if name == "images":
        return subject.pixels.astype(np.float32) / np.float32(255)
    return outputs[name]


_add(links.MAPS, ConvolvedCell)
_add(links.POOLED, PooledCell)
