"""A TensorFlow Serving `:predict` body, by rows or by columns, becomes named inputs and wishes."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import Invalid
from service.models.model import Model
from service.protocols import json_body, outputs, tensors
from service.protocols.tensors import Images
from service.protocols.tfserving import signatures
from service.protocols.tfserving.signatures import IMAGES, INDEX, Signature

# What the images of a request are: pixels (n, h, w, c), or the bytes of `{"b64": …}`, one each.
Sent = Images | list[bytes]


@dataclass(frozen=True, slots=True)
class Predict:
    """What a request asks for, and whether it is answered row by row."""

    signature: str
    images: Sent
    names: tuple[str, ...]
    by_row: bool
    index: list[int] | None = None


def parse(body: bytes, model: Model, most: int) -> Predict:
    """The request in `body` for `model`, with at most `most` images.

    Raises Malformed for no JSON, Invalid for what does not fit the signature, TooLarge.
    """
    content = json_body.read(body, model.manifest.input_shape, most)
    name = content.get("signature_name") or signatures.DEFAULT
    if not isinstance(name, str):
        raise Invalid("`signature_name` must be a string.")
    signature = signatures.find(model, name)
    if ("instances" in content) == ("inputs" in content):
        raise Invalid("A request has either `instances`, one a row, or `inputs`, by their names.")
    by_row = "instances" in content
    named = (
        _columns(content["instances"], signature, most)
        if by_row
        else _named(content["inputs"], signature)
    )
    images = _images(named[IMAGES], model.manifest.input_shape, most)
    names = _outputs(content.get("output_filter"), signature)
    index = None
    if INDEX in named:
        index = _index(named[INDEX], len(images), len(model.manifest.labels))
    if INDEX not in named:
        outputs.check(model.manifest, names, len(images), outputs.MOST_JSON)
    return Predict(name, images, names, by_row, index)


def _columns(instances: object, signature: Signature, most: int) -> Mapping[str, Any]:
    """Rows, plain or by name, as one list for each input."""
    if not isinstance(instances, list) or not instances:
        raise Invalid("`instances` must be a list with at least one instance.")
    tensors.count(len(instances), most)
    plain = [one for one in instances if not isinstance(one, dict) or _is_b64(one)]
    if plain and len(plain) < len(instances):
        raise Invalid("`instances` mixes plain values and objects: send one or the other.")
    if plain:
        return _named(instances, signature)
    for number, one in enumerate(instances):
        if one.keys() != signature.inputs.keys():
            raise Invalid(
                f"Instance {number} must have exactly the inputs {', '.join(signature.inputs)}."
            )
    return {name: [one[name] for one in instances] for name in signature.inputs}


def _named(inputs: object, signature: Signature) -> Mapping[str, Any]:
    """Inputs by name; what has no name is the only input there is."""
    wanted = ", ".join(signature.inputs)
    if not isinstance(inputs, dict) or _is_b64(inputs):
        if len(signature.inputs) > 1:
            raise Invalid(f"This signature takes several inputs, by their names: {wanted}.")
        return {IMAGES: inputs}
    if inputs.keys() != signature.inputs.keys():
        raise Invalid(f"This signature takes exactly the inputs {wanted}.")
    return inputs


def _images(value: object, shape: tensors.Shape, most: int) -> Sent:
    values = [value] if _is_b64(value) else value
    if not isinstance(values, list):
        raise Invalid(f"`{IMAGES}` must be a list of images of shape {tensors.said(shape)}.")
    tensors.count(len(values), most)
    if any(_is_b64(one) for one in values):
        return [_decoded(one, number) for number, one in enumerate(values)]
    return tensors.nested(values, (len(values), *shape), IMAGES)


def _is_b64(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _decoded(value: object, number: int) -> bytes:
    text = value["b64"] if isinstance(value, dict) and _is_b64(value) else None
    if not isinstance(text, str):
        raise Invalid(f'Image {number} must be {{"b64": "…"}}, as others are.')
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Invalid(f"Image {number} is not base64: {problem}.") from problem


def _outputs(wanted: object, signature: Signature) -> tuple[str, ...]:
    """What `output_filter` names, as in the gRPC request; all outputs without it."""
    if wanted is None:
        return tuple(signature.outputs)
    if not isinstance(wanted, list) or not wanted or {type(one) for one in wanted} != {str}:
        raise Invalid("`output_filter` must be a list of names of outputs.")
    names = tuple(dict.fromkeys(wanted))
    for name in names:
        if name not in signature.outputs:
            raise Invalid(
                f"There is no output {name[:80]!r}; there is: {', '.join(signature.outputs)}."
            )
    return names


def _index(value: object, images: int, classes: int) -> list[int]:
    if not isinstance(value, list) or {type(one) for one in value} != {int}:
        raise Invalid(f"`{INDEX}` must be a list with the number of a class for each image.")
    if len(value) != images:
        raise Invalid(f"`{INDEX}` has {len(value)} numbers for {images} images.")
    for one in value:
        if not 0 <= one < classes:
            raise Invalid(f"`{INDEX}` must be from 0 to {classes - 1}, not {str(one)[:40]}.")
    return value
