"""`…/{index}/cells/{row}/{col}`: one cell of one map as the arithmetic that computes it."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.responses import Response

from service.errors import NotFound, WrongKind
from service.introspection import cells
from service.manifest import POOLING, Layer
from service.models.model import Activations
from service.routes import answers, links
from service.routes.subject import ChosenSubject, Subject, add_for_image

router = APIRouter(tags=["cells"])

Matrix = list[list[float]]


class InputChannel(BaseModel):
    """One input channel: `products` is window · kernel element by element, `subtotal` their sum."""

    channel: int
    window: Matrix
    is_padding: list[list[bool]]
    kernel: Matrix
    products: Matrix
    subtotal: float


class ReceptiveField(BaseModel):
    """The pixels that can change the cell; `bottom` and `right` are one past the end."""

    top: int
    left: int
    bottom: int
    right: int
    pixels: list[list[list[int]]]


class Cell(BaseModel):
    """A cell of a map for one image.

    `value` is computed in float64 from the window, `model_value` is what the model computed in
    float32. `difference` is between the two, and `bound` is the largest one that rounding can make.
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
    receptive_field: ReceptiveField


class ConvolvedCell(Cell):
    """A cell of a convolution: `pre` = `sum` + `bias`, `value` = activation(`pre`).

    The window begins at row `top` and column `left` of the input maps; both may lie in padding and
    are negative then.
    """

    inputs: list[InputChannel]
    top: int
    left: int
    sum: float
    bias: float
    pre: float
    activation: str | None


class Term(BaseModel):
    """The cell at the same position of an input layer's map."""

    layer: str
    value: float


class PointwiseCell(Cell):
    """A cell of a sum or an activation layer: `pre` = Σ `terms`, `value` = activation(`pre`)."""

    terms: list[Term]
    pre: float
    activation: str | None


class WindowPosition(BaseModel):
    """A row and column within the window, from 0."""

    row: int
    col: int


class PooledCell(Cell):
    """A cell of a pooling: the maximum of `window`, or its mean.

    `winner` is the first maximum, `ties` are further cells as large; an average has neither.
    """

    method: str
    window: Matrix
    is_padding: list[list[bool]]
    top: int
    left: int
    winner: WindowPosition | None = None
    ties: list[WindowPosition] | None = None


def _add_routes(kind: str, document: Any) -> None:
    """Register the routes of the cells of `feature-maps` or `pooled-maps`."""

    async def cell(
        request: Request, subject: ChosenSubject, name: str, index: int, row: int, col: int
    ) -> Response:
        """One cell of a map as arithmetic: window, kernel and sum, or the maximum of a pool."""
        manifest = subject.model.manifest
        layer = links.layer_of(manifest, subject.model.layer(name), kind)
        if layer.kernel is None and layer.kind not in POOLING | cells.POINTWISE:
            raise WrongKind(
                f"{layer.name} is a layer of kind {layer.kind.replace('_', ' ')}: its cells are"
                f" not shown as arithmetic. Its inputs are {', '.join(layer.inputs)}."
            )
        if layer.activation not in cells.ACTIVATIONS:
            raise WrongKind(
                f"{layer.name} has the activation {layer.activation}, which takes all maps at once."
            )
        _check(layer, row, col, index)
        tag = answers.etag(request, manifest.digest, subject.token)
        if (answer := answers.not_modified(request, tag)) is not None:
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
    model_value = float(_maps_of(outputs[layer.name])[row, col, index])
    if layer.kind in cells.POINTWISE:
        terms = {
            name: float(_source(subject, name, outputs)[row, col, index]) for name in layer.inputs
        }
        arithmetic = cells.pointwise(terms, layer.activation, model_value)
    elif layer.kind in POOLING:
        arithmetic = _pooled(
            layer, _source(subject, layer.inputs[0], outputs), row, col, index, model_value
        )
    else:
        arithmetic = _convolved(subject, layer, outputs, row, col, index, model_value)
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
    model_value: float,
) -> dict[str, Any]:
    window = cells.window_at(layer, _source(subject, layer.inputs[0], outputs), row, col)
    kernel = subject.model.network.weights[f"{layer.name}/kernel"][..., index]
    bias = subject.model.network.weights.get(f"{layer.name}/bias")
    constant = 0.0 if bias is None else float(bias[index])
    return cells.convolution(window, kernel, constant, layer.activation, model_value)


def _pooled(
    layer: Layer, source: NDArray[np.float32], row: int, col: int, index: int, model_value: float
) -> dict[str, Any]:
    method = "average" if "average" in layer.kind else "max"
    is_global = layer.kernel is None
    window = cells.whole_input(source) if is_global else cells.window_at(layer, source, row, col)
    return cells.pooling(window, index, method, model_value)


def _maps_of(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The maps (h, w, maps); 1×1 for global pooling."""
    return values if values.ndim == 3 else values.reshape(1, 1, -1)


def _source(subject: Subject, name: str, outputs: Activations) -> NDArray[np.float32]:
    """The output of the layer `name`, or for `images` the input's pixels from 0 to 1."""
    if name == "images":
        return subject.pixels.astype(np.float32) / np.float32(255)
    return outputs[name]


_add_routes(links.MAPS, ConvolvedCell | PointwiseCell)
_add_routes(links.POOLED, PooledCell)
