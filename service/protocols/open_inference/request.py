"""An Open Inference Protocol request, JSON and the bytes after it, becomes images and wishes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import Invalid, Malformed
from service.manifest import Manifest
from service.protocols import json_body, outputs, tensors
from service.protocols.tensors import Images

INPUT = "images"
DATATYPE = "UINT8"

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """One output: as bytes after the JSON or in it, and whether as its `classes` best labels."""

    name: str
    binary: bool = False
    classes: int | None = None


@dataclass(frozen=True, slots=True)
class Inference:
    """What a request asks for: outputs of images, uint8 (n, h, w, c)."""

    images: Images
    wishes: tuple[Wish, ...]
    id: str | None = None


def parse(body: bytes, header_length: str | None, manifest: Manifest, most: int) -> Inference:
    """The request in `body`, whose JSON part has the length that its header says.

    A length of 0 means one image's bytes alone, without JSON. At most `most` images are taken.
    Raises Malformed for no JSON or a wrong length, else what the parts raise.
    """
    if header_length is None:
        return _parse(_read(body, manifest, most), None, manifest, most)
    if not header_length.isdecimal() or len(header_length) > 15 or int(header_length) > len(body):
        raise Malformed(
            "Inference-Header-Content-Length must be the length of the JSON part: a number up to"
            f" the {len(body)} bytes of the body, not {header_length[:40]!r}."
        )
    length = int(header_length)
    if not length:
        image = tensors.raw(body, (1, *manifest.input_shape))
        return Inference(image, (Wish(outputs.PROBABILITIES, binary=True),))
    content = _read(body[:length], manifest, most)
    return _parse(content, memoryview(body)[length:], manifest, most)


def _read(text: bytes, manifest: Manifest, most: int) -> Object:
    try:
        return json_body.read(text, manifest.input_shape, most)
    except Malformed as problem:
        raise Malformed(
            f"{problem.detail} Where tensor bytes follow the JSON, the header"
            " Inference-Header-Content-Length says how long it is."
        ) from problem


def _parse(content: Object, tail: memoryview | None, manifest: Manifest, most: int) -> Inference:
    identity = content.get("id")
    if identity is not None and not isinstance(identity, str):
        raise Invalid("`id` must be a string.")
    parameters = _parameters(content, "the request")
    wishes = _wishes(content, _flag(parameters, "binary_data_output"))
    images = _images(_the_input(content), tail, manifest, most)
    return Inference(images, wishes, identity)


def _the_input(content: Object) -> Object:
    inputs = content.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise Invalid(f"`inputs` must be a list with one tensor, {INPUT!r}.")
    tensor = _mapping(inputs[0], "an input")
    if len(inputs) > 1 or tensor.get("name") != INPUT:
        names = [one.get("name") if isinstance(one, dict) else None for one in inputs[:4]]
        raise Invalid(f"The model takes one input, {INPUT!r}, once; not {str(names)[:200]}.")
    return tensor


def _images(tensor: Object, tail: memoryview | None, manifest: Manifest, most: int) -> Images:
    shape = _shape(tensor, manifest, most)
    if (datatype := tensor.get("datatype")) != DATATYPE:
        raise Invalid(
            f"{INPUT!r} is of datatype {DATATYPE}, not {str(datatype)[:40]!r}. {tensors.SCALE}"
        )
    parameters = _parameters(tensor, "the input")
    if "shared_memory_region" in parameters:
        raise Invalid("Shared memory is not offered here: send the tensor in the request.")
    size = parameters.get("binary_data_size")
    if (size is None) == ("data" not in tensor):
        raise Invalid("An input has its values either in `data` or as `binary_data_size` bytes.")
    if size is None:
        if tail:
            raise Invalid(f"{len(tail)} bytes follow the JSON, and no input says that they do.")
        return _listed(tensor["data"], shape)
    if tail is None or size != len(tail):
        raise Invalid(
            f"binary_data_size is {str(size)[:40]}, but {len(tail or b'')} bytes follow the JSON,"
            " whose length the header Inference-Header-Content-Length says."
        )
    return tensors.raw(tail, shape)


def _shape(tensor: Object, manifest: Manifest, most: int) -> tuple[int, ...]:
    shape: Any = tensor.get("shape")
    expected = list(manifest.input_shape)
    whole = isinstance(shape, list) and {type(one) for one in shape} == {int}
    if not whole or shape[1:] != expected:
        raise Invalid(
            f"{INPUT!r} has the shape {[-1, *expected]}, the first dimension being the number of"
            f" images; not {str(shape)[:80]}."
        )
    tensors.count(shape[0], most)
    return tuple(shape)


def _listed(data: object, shape: tuple[int, ...]) -> Images:
    """Values in their natural nesting, or all in one list."""
    if not isinstance(data, list):
        raise Invalid("`data` must be a list.")
    if data and isinstance(data[0], list):
        return tensors.nested(data, shape, "data")
    values = tensors.flat(data, "data")
    return tensors.raw(values.tobytes(), shape, "data")


def _wishes(content: Object, binary: bool) -> tuple[Wish, ...]:
    wanted = content.get("outputs")
    if wanted is not None and not isinstance(wanted, list):
        raise Invalid("`outputs` must be a list of objects with a name.")
    wishes = tuple(_wish(one, binary) for one in wanted or ())
    if len({wish.name for wish in wishes}) != len(wishes):
        raise Invalid("`outputs` names one output twice.")
    return wishes or (Wish(outputs.PROBABILITIES, binary),)


def _wish(output: object, binary: bool) -> Wish:
    described = _mapping(output, "an output")
    name = described.get("name")
    if not isinstance(name, str):
        raise Invalid("An output is asked for by its `name`, a string.")
    parameters = _parameters(described, "an output")
    if "shared_memory_region" in parameters:
        raise Invalid("Shared memory is not offered here: take the tensor from the answer.")
    classes = parameters.get("classification")
    if classes is not None and (type(classes) is not int or classes < 1):
        raise Invalid("`classification` must be how many classes to return: a number from 1.")
    return Wish(name, _flag(parameters, "binary_data", binary), classes)


def _mapping(value: object, what: str) -> Object:
    if not isinstance(value, dict):
        raise Invalid(f"JSON for {what} must be an object.")
    return value


def _parameters(owner: Object, what: str) -> Object:
    return _mapping(owner.get("parameters") or {}, f"`parameters` of {what}")


def _flag(parameters: Object, name: str, default: bool = False) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise Invalid(f"`{name}` must be true or false.")
    return value
