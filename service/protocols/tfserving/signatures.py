"""A manifest becomes the signatures of its SavedModel: named inputs and outputs, with shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.errors import Invalid
from service.models.model import Model
from service.protocols.outputs import PROBABILITIES, shapes

DEFAULT = "serving_default"
ACTIVATIONS = "activations"
GRAD_CAM = "grad_cam"

IMAGES = "images"
INDEX = "index"


@dataclass(frozen=True, slots=True)
class Tensor:
    """TensorFlow's type and a shape in which −1 is any number."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes in and what comes out, by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def signatures(model: Model) -> dict[str, Signature]:
    """Those signatures of `model` that answer about images, by name."""
    manifest = model.manifest
    images = {IMAGES: Tensor("DT_UINT8", (-1, *manifest.input_shape))}
    every = {name: Tensor("DT_FLOAT", (-1, *shape)) for name, shape in shapes(manifest).items()}
    probabilities = {PROBABILITIES: every.pop(PROBABILITIES)}
    found = {DEFAULT: Signature(images, probabilities), ACTIVATIONS: Signature(images, every)}
    if manifest.convolutions:
        index = {INDEX: Tensor("DT_INT32", (-1,))}
        heatmap = {"heatmap": Tensor("DT_FLOAT", (-1, *manifest.convolutions[-1].output_shape[:2]))}
        found[GRAD_CAM] = Signature({**images, **index}, heatmap)
    return found


def find(model: Model, name: str) -> Signature:
    """The signature called `name`; Invalid lists those that exist."""
    found = signatures(model)
    if name not in found:
        raise Invalid(f"There is no signature {name[:80]!r}; there is: {', '.join(found)}.")
    return found[name]
