"""Outputs become an Open Inference Protocol answer: JSON, with bytes after it where asked for."""

import struct
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from service.errors import Invalid
from service.manifest import Manifest
from service.protocols.open_inference.request import Inference, Wish
from service.protocols.outputs import Outputs, shapes


@dataclass(frozen=True, slots=True)
class Answer:
    """A body, and the length of the JSON at its start where bytes follow it."""

    body: bytes
    header_length: int | None


def check(manifest: Manifest, wishes: tuple[Wish, ...]) -> None:
    """Invalid where labels are asked of an output that has not one value for each."""
    known = shapes(manifest)
    for wish in wishes:
        if wish.classes is not None and known[wish.name] != (len(manifest.labels),):
            raise Invalid(
                f"`classification` is for outputs with one value for each class, such as"
                f" probabilities; {wish.name} has the shape {list(known[wish.name])}."
            )


def render(manifest: Manifest, inference: Inference, outputs: Outputs) -> Answer:
    """The answer to `inference`, its `outputs` float32 (n, …) by name."""
    described, tail = [], []
    for wish in inference.wishes:
        output, data = _output(wish, outputs[wish.name], manifest.labels)
        described.append(output)
        tail.append(data)
    content: dict[str, object] = {
        "model_name": manifest.name,
        "model_version": str(manifest.version),
        "outputs": described,
    }
    if inference.id is not None:
        content["id"] = inference.id
    text = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if any(wish.binary for wish in inference.wishes):
        return Answer(b"".join([text, *tail]), len(text))
    return Answer(text, None)


def _output(
    wish: Wish, values: NDArray[np.float32], labels: tuple[str, ...]
) -> tuple[dict[str, object], bytes]:
    """The JSON of one output and the bytes that follow for it."""
    if wish.classes is not None:
        return _classified(wish, values, labels)
    output: dict[str, object] = {"name": wish.name, "datatype": "FP32", "shape": values.shape}
    if not wish.binary:
        return {**output, "data": np.ascontiguousarray(values).ravel()}, b""
    data = values.astype("<f4", copy=False).tobytes()
    return {**output, "parameters": {"binary_data_size": len(data)}}, data


def _classified(
    wish: Wish, values: NDArray[np.float32], labels: tuple[str, ...]
) -> tuple[dict[str, object], bytes]:
    """The best classes of every image as texts `value:index:label`, (n, classes)."""
    best = np.argsort(-values, axis=1, kind="stable")[:, : wish.classes]
    texts = [
        f"{row[i]!s}:{i}:{labels[i]}"
        for row, order in zip(values, best.tolist(), strict=True)
        for i in order
    ]
    output: dict[str, object] = {"name": wish.name, "datatype": "BYTES", "shape": best.shape}
    if not wish.binary:
        return {**output, "data": texts}, b""
    data = b"".join(struct.pack("<I", len(one)) + one for one in (t.encode() for t in texts))
    return {**output, "parameters": {"binary_data_size": len(data)}}, data
