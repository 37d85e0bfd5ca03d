"""Digits, uint8 (n, 28, 28), become the body of a request and its headers, in a named form."""

import base64
import io
import json
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Digits = NDArray[np.uint8]
Body = tuple[bytes, dict[str, str]]

BOUNDARY = "convlens-boundary-7f3a"


def png(digit: Digits) -> bytes:
    """One digit, uint8 (28, 28), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(digit).save(file, "PNG")
    return file.getvalue()


def multipart(digits: Digits, field: str) -> Body:
    """A form with a file for each digit, all in `field`."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{i}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + png(digit)
        + b"\r\n"
        for i, digit in enumerate(digits)
    ]
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), {"Content-Type": kind}


def raw(digits: Digits, field: str) -> Body:
    """One PNG file and nothing else."""
    if len(digits) != 1:
        raise ValueError("a raw body holds one image")
    return png(digits[0]), {"Content-Type": "image/png"}


def npy(digits: Digits, field: str) -> Body:
    """An .npy of the pixels, (n, 28, 28, 1)."""
    file = io.BytesIO()
    np.save(file, digits[..., np.newaxis])
    return file.getvalue(), {"Content-Type": "application/x-npy"}


def v1(digits: Digits, field: str) -> Body:
    """PNG files in base64, as TensorFlow Serving's and KServe's first protocol have them."""
    instances = [{"image": {"b64": _base64(digit)}} for digit in digits]
    return _json({"instances": instances})


def v2_base64(digits: Digits, field: str) -> Body:
    """PNG files in base64 in the JSON of the Open Inference Protocol."""
    tensor = {
        "name": "images",
        "shape": [len(digits), 1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [_base64(digit) for digit in digits],
    }
    return _json({"inputs": [tensor]})


def v2_binary(digits: Digits, field: str) -> Body:
    """PNG files after the JSON, as the binary tensor extension of that protocol has them."""
    files = [png(digit) for digit in digits]
    data = b"".join(struct.pack("<I", len(file)) + file for file in files)
    tensor = {
        "name": "images",
        "shape": [len(digits), 1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(data)},
    }
    head, _ = _json({"inputs": [tensor]})
    return head + data, {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }


def _base64(digit: Digits) -> str:
    return base64.b64encode(png(digit)).decode()


def _json(value: object) -> Body:
    return json.dumps(value).encode(), {"Content-Type": "application/json"}


KINDS: dict[str, Callable[[Digits, str], Body]] = {
    "multipart": multipart,
    "raw": raw,
    "npy": npy,
    "v1": v1,
    "v2-base64": v2_base64,
    "v2-binary": v2_binary,
}
