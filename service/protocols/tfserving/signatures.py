"""A model's manifest becomes its signatures: named inputs and outputs with dtype and shape."""

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
    """A TensorFlow dtype, such as DT_UINT8, and a shape; −1 is the number of images."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """The tensors that go in and come out, by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def signatures(model: Model) -> dict[str, Signature]:
    """The signatures of `model` by name; `grad_cam` only for a model with convolutions."""
    manifest = model.manifest
    images = {IMAGES: Tensor("DT_UINT8", (-1, *manifest.input_shape))}
    every = {name: Tensor("DT_FLOAT", (-1, *shape)) for name, shape in shapes(manifest).items()}
    probabilities = {PROBABILITIES: every.pop(PROBABILITIES)}
    offered = {DEFAULT: Signature(images, probabilities), ACTIVATIONS: Signature(images, every)}
    if manifest.convolutions:
        index = {INDEX: Tensor("DT_INT32", (-1,))}
        heatmap = {"heatmap": Tensor("DT_FLOAT", (-1, *manifest.convolutions[-1].output_shape[:2]))}
        offered[GRAD_CAM] = Signature({**images, **index}, heatmap)
    return offered


def find(model: Model, name: str) -> Signature:
    """The signature `name`; raises Invalid, listing the signatures, if there is none."""
    offered = signatures(model)
    if name not in offered:
        raise Invalid(f"There is no signature {name[:80]!r}; there is: {', '.join(offered)}.")
    return offered[name]
