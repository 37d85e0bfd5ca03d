"""Each reader of what strangers send, as a function of bytes that raises nothing for any."""

import contextlib
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from service.errors import ServiceError
from service.images import decode, multipart, npy, reader, tokens
from service.manifest import Manifest
from service.models.model import Model
from service.protocols import compression
from service.protocols.open_inference import request as open_inference
from service.protocols.tfserving import request as tfserving
from service.settings import Settings
from tests.pictures import save, seven

MODELS = Path(__file__).parents[2] / "models"
LIMITS = decode.Limits(bytes=2**20, pixels=10**6)
MOST = 8


class Unexpected(Exception):
    """A reader refused with what would be a fault of ours."""


@functools.cache
def manifest(name: str) -> Manifest:
    return Manifest.read(MODELS / name / "1")


@functools.cache
def model(name: str) -> Model:
    return Model(MODELS / name / "1", ThreadPoolExecutor(1), Settings())


def _image(data: bytes) -> None:
    reader.read(data, manifest("mnist-lecture"), LIMITS)
    reader.read(data, manifest("cifar10-lecture-3conv"), LIMITS)


def _token(data: bytes) -> None:
    tokens.decode(data.decode("latin-1"), (28, 28, 1))


def _form(data: bytes) -> None:
    boundary, _, body = data.partition(b"\n")
    multipart.parse(body, boundary, MOST)


def _array(data: bytes) -> None:
    npy.stack(data, (28, 28, 1), MOST)


def _v1(data: bytes) -> None:
    tfserving.parse(data, model("mnist-lecture"), MOST)


def _v2(data: bytes) -> None:
    length, _, body = data.partition(b"\n")
    open_inference.parse(body, length.decode("latin-1") or None, manifest("mnist-lecture"), MOST)


def _encoding(data: bytes) -> None:
    name, _, body = data.partition(b"\n")
    compression.decompress(body, name.decode("latin-1"), 2**20)


def _v2_example() -> bytes:
    head = (
        b'{"inputs":[{"name":"images","shape":[1,28,28,1],"datatype":"UINT8",'
        b'"parameters":{"binary_data_size":784}}]}'
    )
    return b"%d\n%s%s" % (len(head), head, bytes(784))


def _npy() -> bytes:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28, 1), }"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(784)


FORM = b'b\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n'
KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")

TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "image": (_image, [save(seven(16), kind) for kind in KINDS]),
    "token": (_token, [tokens.encode(np.zeros((28, 28, 1), np.uint8)).encode()]),
    "form": (_form, [FORM]),
    "array": (_array, [_npy()]),
    "v1": (_v1, [b'{"instances":[{"images":{"b64":"aGk="}}]}', b'{"inputs":[[[[0]]]]}']),
    "v2": (_v2, [_v2_example(), b'\n{"inputs":[{"name":"images","shape":[1,784],"data":[0]}]}']),
    "encoding": (_encoding, [b"gzip\n" + compression.compress(b"hello", "gzip")]),
}
"""By name: the reader, and examples to begin with."""


def run(name: str, data: bytes) -> None:
    """Read `data`; a refusal is well, unless it is one that says that we are at fault."""
    reader: Any = TARGETS[name][0]
    with contextlib.suppress(ServiceError):
        try:
            reader(data)
        except ServiceError as refusal:
            if refusal.status >= 500:
                raise Unexpected(repr(refusal)) from refusal
            raise
