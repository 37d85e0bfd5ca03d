"""Images, uint8 (n, h, w) or (n, h, w, 3), become a request's body and headers, by kind of body."""

import base64
import io
import json
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Body = tuple[bytes, dict[str, str]]

BOUNDARY = "convlens-boundary-7f3a"


def png(image: Pixels) -> bytes:
    """One image, uint8 (h, w) or (h, w, 3), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def multipart(images: Pixels, field: str) -> Body:
    """A multipart form with a PNG file for each image, all in the form field `field`."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{i}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + png(image)
        + b"\r\n"
        for i, image in enumerate(images)
    ]
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), {"Content-Type": kind}


def raw(images: Pixels, field: str) -> Body:
    """One PNG file as the whole body."""
    if len(images) != 1:
        raise ValueError("a raw body holds one image")
    return png(images[0]), {"Content-Type": "image/png"}


def npy(images: Pixels, field: str) -> Body:
    """The pixels as one .npy file, uint8 (n, h, w, channels)."""
    file = io.BytesIO()
    np.save(file, images.reshape(*images.shape[:3], -1))
    return file.getvalue(), {"Content-Type": "application/x-npy"}


def v1(images: Pixels, field: str) -> Body:
    """PNG files in base64, in the JSON of TensorFlow Serving and of KServe's v1 protocol."""
    instances = [{"image": {"b64": _base64(image)}} for image in images]
    return _json({"instances": instances})


def v2_base64(images: Pixels, field: str) -> Body:
    """PNG files in base64 in the JSON of the Open Inference Protocol."""
    tensor = {
        "name": "images",
        "shape": [len(images), 1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [_base64(image) for image in images],
    }
    return _json({"inputs": [tensor]})


def v2_binary(images: Pixels, field: str) -> Body:
    """PNG files after the JSON: the binary tensor extension of the Open Inference Protocol."""
    files = [png(image) for image in images]
    data = b"".join(struct.pack("<I", len(file)) + file for file in files)
    tensor = {
        "name": "images",
        "shape": [len(images), 1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(data)},
    }
    return binary({"inputs": [tensor]}, data)


def binary(document: object, data: bytes) -> Body:
    """`document` as JSON followed by `data`, as the binary tensor extension joins them."""
    head, _ = _json(document)
    return head + data, {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }


def _base64(image: Pixels) -> str:
    return base64.b64encode(png(image)).decode()


def _json(value: object) -> Body:
    return json.dumps(value).encode(), {"Content-Type": "application/json"}


KINDS: dict[str, Callable[[Pixels, str], Body]] = {
    "multipart": multipart,
    "raw": raw,
    "npy": npy,
    "v1": v1,
    "v2-base64": v2_base64,
    "v2-binary": v2_binary,
}
