"""An Open Inference Protocol request becomes images and the requested outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import Invalid, Malformed
from service.manifest import Manifest
from service.protocols import json_body, tensors
from service.protocols.outputs import PROBABILITIES
from service.protocols.tensors import Images

INPUT = "images"
DATATYPE = "UINT8"

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RequestedOutput:
    """An output by name, as bytes after the JSON (`binary`) or in it.

    `classes` is the extension `classification`: that many best labels instead of the values.
    """

    name: str
    binary: bool = False
    classes: int | None = None


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """The images, uint8 (n, h, w, c), the outputs to return, and the `id` to repeat."""

    images: Images
    outputs: tuple[RequestedOutput, ...]
    id: str | None = None


def parse(
    body: bytes, header_length: str | None, manifest: Manifest, most: int
) -> InferenceRequest:
    """The request in `body`: JSON of `header_length` bytes, then the bytes of the tensor.

    `header_length` is the header Inference-Header-Content-Length: without it the body is JSON
    alone, and 0 means the bytes of one image alone. Raises Malformed for a wrong length or other
    text than JSON, Invalid for a request outside the protocol or the model's input, TooLarge for
    more than `most` images.
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
        image = tensors.from_bytes(body, (1, *manifest.input_shape))
        return InferenceRequest(image, (RequestedOutput(PROBABILITIES, binary=True),))
    content = _read(body[:length], manifest, most)
    return _parse(content, memoryview(body)[length:], manifest, most)


def _read(text: bytes, manifest: Manifest, most: int) -> Object:
    try:
        return json_body.read(text, manifest.input_shape, most)
    except Malformed as problem:
        raise Malformed(
            f"{problem.detail} Where tensor bytes follow the JSON, the header"
            " Inference-Header-Content-Length must give the length of the JSON."
        ) from problem


def _parse(
    content: Object, tail: memoryview | None, manifest: Manifest, most: int
) -> InferenceRequest:
    identity = content.get("id")
    if identity is not None and not isinstance(identity, str):
        raise Invalid("`id` must be a string.")
    parameters = _parameters(content, "the request")
    outputs = _requested_outputs(content, _flag(parameters, "binary_data_output"))
    images = _images(_input_tensor(content), tail, manifest, most)
    return InferenceRequest(images, outputs, identity)


def _input_tensor(content: Object) -> Object:
    inputs = content.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise Invalid(f"`inputs` must be a list with one tensor, {INPUT!r}.")
    tensor = _mapping(inputs[0], "an input")
    if len(inputs) > 1 or tensor.get("name") != INPUT:
        names = [one.get("name") if isinstance(one, dict) else None for one in inputs[:4]]
        raise Invalid(
            f"The model takes one input, {INPUT!r}, exactly once; not {str(names)[:200]}."
        )
    return tensor


def _images(tensor: Object, tail: memoryview | None, manifest: Manifest, most: int) -> Images:
    shape = _shape(tensor, manifest, most)
    if (datatype := tensor.get("datatype")) != DATATYPE:
        raise Invalid(
            f"{INPUT!r} is of datatype {DATATYPE}, not {str(datatype)[:40]!r}. {tensors.PIXEL_RULE}"
        )
    parameters = _parameters(tensor, "the input")
    if "shared_memory_region" in parameters:
        raise Invalid("Shared memory is not offered here: send the tensor in the request.")
    size = parameters.get("binary_data_size")
    if (size is None) == ("data" not in tensor):
        raise Invalid("An input has its values either in `data` or as `binary_data_size` bytes.")
    if size is None:
        if tail:
            raise Invalid(
                f"{len(tail)} bytes follow the JSON, but no input has `binary_data_size`."
            )
        return _from_list(tensor["data"], shape)
    if tail is None or size != len(tail):
        raise Invalid(
            f"binary_data_size is {str(size)[:40]}, but {len(tail or b'')} bytes follow the JSON,"
            " whose length the header Inference-Header-Content-Length gives."
        )
    return tensors.from_bytes(tail, shape)


def _shape(tensor: Object, manifest: Manifest, most: int) -> tuple[int, ...]:
    shape: Any = tensor.get("shape")
    expected = list(manifest.input_shape)
    whole = isinstance(shape, list) and {type(one) for one in shape} == {int}
    if not whole or shape[1:] != expected:
        raise Invalid(
            f"{INPUT!r} has the shape {[-1, *expected]}, the first dimension being the number of"
            f" images; not {str(shape)[:80]}."
        )
    tensors.check_count(shape[0], most)
    return tuple(shape)


def _from_list(data: object, shape: tuple[int, ...]) -> Images:
    """The tensor from lists nested as in `shape`, or from one flat list in row-major order."""
    if not isinstance(data, list):
        raise Invalid("`data` must be a list.")
    if data and isinstance(data[0], list):
        return tensors.from_nested(data, shape, "data")
    values = tensors.from_flat(data, "data")
    return tensors.from_bytes(values.tobytes(), shape, "data")


def _requested_outputs(content: Object, binary: bool) -> tuple[RequestedOutput, ...]:
    """The outputs that the request names, or else the probabilities; `binary` is the default."""
    wanted = content.get("outputs")
    if wanted is not None and not isinstance(wanted, list):
        raise Invalid("`outputs` must be a list of objects with a name.")
    requested = tuple(_requested_output(one, binary) for one in wanted or ())
    if len({one.name for one in requested}) != len(requested):
        raise Invalid("`outputs` names one output twice.")
    return requested or (RequestedOutput(PROBABILITIES, binary),)


def _requested_output(output: object, binary: bool) -> RequestedOutput:
    described = _mapping(output, "an output")
    name = described.get("name")
    if not isinstance(name, str):
        raise Invalid("Every output needs its `name`, a string.")
    parameters = _parameters(described, "an output")
    if "shared_memory_region" in parameters:
        raise Invalid("Shared memory is not offered here: take the tensor from the answer.")
    classes = parameters.get("classification")
    if classes is not None and (type(classes) is not int or classes < 1):
        raise Invalid("`classification` must be the number of classes to return, from 1.")
    return RequestedOutput(name, _flag(parameters, "binary_data", binary), classes)


def _mapping(value: object, what: str) -> Object:
    if not isinstance(value, dict):
        raise Invalid(f"The JSON of {what} must be an object.")
    return value


def _parameters(owner: Object, what: str) -> Object:
    return _mapping(owner.get("parameters") or {}, f"`parameters` of {what}")


def _flag(parameters: Object, name: str, default: bool = False) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise Invalid(f"`{name}` must be true or false.")
    return value
