"""Outputs become an Open Inference Protocol response: JSON, then the bytes of binary outputs."""

import struct
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from service.errors import Invalid
from service.manifest import Manifest
from service.protocols.open_inference.request import InferenceRequest, RequestedOutput
from service.protocols.outputs import Outputs, shapes


@dataclass(frozen=True, slots=True)
class InferenceResponse:
    """A body, and the length of the JSON at its start; None if no bytes follow it."""

    body: bytes
    header_length: int | None


def check(manifest: Manifest, requested: tuple[RequestedOutput, ...]) -> None:
    """Raise Invalid if `classification` is asked of an output without one value for each label."""
    known = shapes(manifest)
    for one in requested:
        if one.classes is not None and known[one.name] != (len(manifest.labels),):
            raise Invalid(
                f"`classification` is for outputs with one value for each class, such as"
                f" probabilities; {one.name} has the shape {list(known[one.name])}."
            )


def render(manifest: Manifest, request: InferenceRequest, outputs: Outputs) -> InferenceResponse:
    """The response to `request` with its `outputs`, float32 (n, …) by name."""
    described, tail = [], []
    for requested in request.outputs:
        output, data = _output(requested, outputs[requested.name], manifest.labels)
        described.append(output)
        tail.append(data)
    content: dict[str, object] = {
        "model_name": manifest.name,
        "model_version": str(manifest.version),
        "outputs": described,
    }
    if request.id is not None:
        content["id"] = request.id
    text = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if any(requested.binary for requested in request.outputs):
        return InferenceResponse(b"".join([text, *tail]), len(text))
    return InferenceResponse(text, None)


def _output(
    requested: RequestedOutput, values: NDArray[np.float32], labels: tuple[str, ...]
) -> tuple[dict[str, object], bytes]:
    """The JSON object of one output, and its bytes after the JSON."""
    if requested.classes is not None:
        return _classified(requested, values, labels)
    output: dict[str, object] = {"name": requested.name, "datatype": "FP32", "shape": values.shape}
    if not requested.binary:
        return {**output, "data": np.ascontiguousarray(values).ravel()}, b""
    data = values.astype("<f4", copy=False).tobytes()
    return {**output, "parameters": {"binary_data_size": len(data)}}, data


def _classified(
    requested: RequestedOutput, values: NDArray[np.float32], labels: tuple[str, ...]
) -> tuple[dict[str, object], bytes]:
    """The best classes of every image as strings `value:index:label`, (n, classes)."""
    best = np.argsort(-values, axis=1, kind="stable")[:, : requested.classes]
    texts = [
        f"{row[i]!s}:{i}:{labels[i]}"
        for row, order in zip(values, best.tolist(), strict=True)
        for i in order
    ]
    output: dict[str, object] = {"name": requested.name, "datatype": "BYTES", "shape": best.shape}
    if not requested.binary:
        return {**output, "data": texts}, b""
    data = b"".join(struct.pack("<I", len(one)) + one for one in (t.encode() for t in texts))
    return {**output, "parameters": {"binary_data_size": len(data)}}, data
