"""One number of one map: where it comes from, as arithmetic."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.responses import Response

from service.errors import NotFound, WrongKind
from service.introspection import cells, pointwise
from service.manifest import POOLING, Layer
from service.models.model import Activations
from service.routes import answers, links
from service.routes.subject import ChosenSubject, Subject, add_for_image

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
    """A cell of a map for one image, and how far `value` is from what the model computed.

    `value` is added up in float64, `model_value` in float32 and in an order of the library's own:
    `bound` is the most by which that may change it, whatever the order.
    """

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
    bound: float
    receptive_field: Field


class ConvolvedCell(Cell):
    """`value` = activation(`sum` + `bias`); `pre` is before the activation.

    The window's first row and column in each input map are `top` and `left`, negative in padding.
    """

    inputs: list[Channel]
    top: int
    left: int
    sum: float
    bias: float
    pre: float
    activation: str | None


class Term(BaseModel):
    """The number at the same place of a map of another layer."""

    layer: str
    value: float


class PointwiseCell(Cell):
    """`pre` = Σ `terms`, `value` = activation(`pre`): a sum of branches, or an activation alone."""

    terms: list[Term]
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


def _add(kind: str, document: Any) -> None:
    async def cell(
        request: Request, subject: ChosenSubject, name: str, index: int, row: int, col: int
    ) -> Response:
        """The window, the kernel and the sum behind one number; for a pool, the winner."""
        manifest = subject.model.manifest
        layer = links.layer_of(manifest, subject.model.layer(name), kind)
        if layer.kernel is None and layer.kind not in POOLING | pointwise.KINDS:
            raise WrongKind(
                f"{layer.name} is a layer of kind {layer.kind.replace('_', ' ')}: its numbers are"
                f" not taken apart. It is fed by {', '.join(layer.inputs)}."
            )
        if layer.activation not in cells.ACTIVATIONS:
            raise WrongKind(f"{layer.name} ends in {layer.activation}, which joins several cells.")
        _check(layer, row, col, index)
        tag = answers.etag(request, manifest.digest, subject.token)
        if (answer := answers.unchanged(request, tag)) is not None:
            return answer
        outputs = await subject.model.activations(subject.pixels)
        return await answers.respond(
            "json", tag, lambda: _document(subject, layer, outputs, row, col, index)
        )

    add_for_image(
        router,
        f"/layers/{{name}}/{kind}/{{index}}/cells/{{row}}/{{col}}",
        cell,
        answers.documented_json(document),
        f"{kind.replace('-', '_')}_cell",
    )


def _check(layer: Layer, row: int, col: int, index: int) -> None:
    for what, value, size in zip(
        ("row", "column", "map"), (row, col, index), (1, 1, *layer.output_shape)[-3:], strict=True
    ):
        if not 0 <= value < size:
            raise NotFound(f"{what} of {layer.name}", value, [f"0 to {size - 1}"])


def _document(
    subject: Subject, layer: Layer, outputs: Activations, row: int, col: int, index: int
) -> dict[str, Any]:
    manifest = subject.model.manifest
    found = float(_stack(outputs[layer.name])[row, col, index])
    if layer.kind in pointwise.KINDS:
        values = {
            name: float(_source(subject, name, outputs)[row, col, index]) for name in layer.inputs
        }
        arithmetic = pointwise.explain(values, layer.activation, found)
    elif layer.kind in POOLING:
        arithmetic = _pooled(
            layer, _source(subject, layer.inputs[0], outputs), row, col, index, found
        )
    else:
        arithmetic = _convolved(subject, layer, outputs, row, col, index, found)
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


def _convolved(
    subject: Subject,
    layer: Layer,
    outputs: Activations,
    row: int,
    col: int,
    index: int,
    found: float,
) -> dict[str, Any]:
    window = cells.look(layer, _source(subject, layer.inputs[0], outputs), row, col)
    kernel = subject.model.network.weights[f"{layer.name}/kernel"][..., index]
    bias = subject.model.network.weights.get(f"{layer.name}/bias")
    constant = 0.0 if bias is None else float(bias[index])
    return cells.convolution(window, kernel, constant, layer.activation, found)


def _pooled(
    layer: Layer, source: NDArray[np.float32], row: int, col: int, index: int, found: float
) -> dict[str, Any]:
    method = "average" if "average" in layer.kind else "max"
    everywhere = layer.kernel is None
    window = cells.look_everywhere(source) if everywhere else cells.look(layer, source, row, col)
    return cells.pooling(window, index, method, found)


def _stack(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The maps (h, w, maps); a global pooling layer's are 1×1."""
    return values if values.ndim == 3 else values.reshape(1, 1, -1)


def _source(subject: Subject, name: str, outputs: Activations) -> NDArray[np.float32]:
    """The maps of the layer `name`, or the pixels in 0..1 for `images`."""
    if name == "images":
        return subject.pixels.astype(np.float32) / np.float32(255)
    return outputs[name]


_add(links.MAPS, ConvolvedCell | PointwiseCell)
_add(links.POOLED, PooledCell)
