"""A `:predict` body of TensorFlow Serving becomes images and the names of requested outputs."""

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

SentImages = Images | list[bytes]
"""Pixels, uint8 (n, h, w, c), or for each image the bytes of its `{"b64": …}`."""


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """The images and the outputs to return, of which signature, and in which layout.

    `by_row` is true for a request with `instances`, one object an image, and false for one with
    `inputs`, one list an input: the answer has the same layout. `index` holds the class of each
    image for the signature `grad_cam`.
    """

    signature: str
    images: SentImages
    outputs: tuple[str, ...]
    by_row: bool
    index: list[int] | None = None


def parse(body: bytes, model: Model, most: int) -> PredictRequest:
    """The request in `body` for `model`, with at most `most` images.

    Raises Malformed for other text than JSON, Invalid for a request that does not fit the
    signature, TooLarge for too many images or too large an answer.
    """
    content = json_body.read(body, model.manifest.input_shape, most)
    name = content.get("signature_name") or signatures.DEFAULT
    if not isinstance(name, str):
        raise Invalid("`signature_name` must be a string.")
    signature = signatures.find(model, name)
    if ("instances" in content) == ("inputs" in content):
        raise Invalid(
            "A request needs either `instances`, a list with one for each image, or `inputs`."
        )
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
        outputs.check(model.manifest, names, len(images), outputs.MAX_JSON_VALUES)
    return PredictRequest(name, images, names, by_row, index)


def _columns(instances: object, signature: Signature, most: int) -> Mapping[str, Any]:
    """`instances`, plain values or objects, as one list for each input."""
    if not isinstance(instances, list) or not instances:
        raise Invalid("`instances` must be a list with at least one instance.")
    tensors.check_count(len(instances), most)
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
    """`inputs` by name; a value without a name is the signature's only input."""
    wanted = ", ".join(signature.inputs)
    if not isinstance(inputs, dict) or _is_b64(inputs):
        if len(signature.inputs) > 1:
            raise Invalid(f"This signature takes several inputs, by their names: {wanted}.")
        return {IMAGES: inputs}
    if inputs.keys() != signature.inputs.keys():
        raise Invalid(f"This signature takes exactly the inputs {wanted}.")
    return inputs


def _images(value: object, shape: tensors.Shape, most: int) -> SentImages:
    values = [value] if _is_b64(value) else value
    if not isinstance(values, list):
        raise Invalid(f"`{IMAGES}` must be a list of images of shape {tensors.as_text(shape)}.")
    tensors.check_count(len(values), most)
    if any(_is_b64(one) for one in values):
        return [_decode_b64(one, number) for number, one in enumerate(values)]
    return tensors.from_nested(values, (len(values), *shape), IMAGES)


def _is_b64(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _decode_b64(value: object, number: int) -> bytes:
    text = value["b64"] if isinstance(value, dict) and _is_b64(value) else None
    if not isinstance(text, str):
        raise Invalid(f'Image {number} must be {{"b64": "…"}}, like the other images.')
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Invalid(f"Image {number} is not base64: {problem}.") from problem


def _outputs(wanted: object, signature: Signature) -> tuple[str, ...]:
    """The outputs that `output_filter` names, as in the gRPC API; without it, all."""
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
