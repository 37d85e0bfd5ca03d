"""Builds requests for the feature maps of digits, and compares answers with the activations."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness import http_requests, request_bodies
from service.drawing import canvas, grid
from service.images import tokens
from service.models.litert import Network

Floats = NDArray[np.float32]
Maps = Mapping[str, Floats]
Check = Callable[[bytes, Maps], float]

LAYERS = {
    "conv1": "conv1/feature-maps",
    "pool1": "conv1/pooled-maps",
    "conv2": "conv2/feature-maps",
    "pool2": "conv2/pooled-maps",
}

# The resolution of a colour: half a step of the 241 drawn ones, and one of the 256 searched.
ENTRY = 0.5 / 240 + 1 / 255


class WrongMaps(Exception):
    """An answer differs from the network's activations."""


@dataclass(frozen=True, slots=True)
class Case:
    """A way to request maps.

    `build` gives the requests for one digit and its token, `checks` the difference of each answer
    from the network's maps, which may be at most `tolerance`. `old` says whether the first version
    knew these requests.
    """

    title: str
    build: Callable[[str, NDArray[np.uint8]], Sequence[bytes]]
    checks: Sequence[Check]
    tolerance: float = 1e-4
    old: bool = True

    def requests(self, digits: NDArray[np.uint8]) -> list[bytes]:
        """The requests for `digits`, uint8 (n, 28, 28, 1), in their order."""
        return [one for digit in digits for one in self.build(tokens.encode(digit), digit)]

    def check(self, port: int, digits: NDArray[np.uint8], expected: Sequence[Maps]) -> float:
        """The largest difference of all answers from `expected`; WrongMaps if it is too large."""
        worst = 0.0
        for digit, maps in zip(digits, expected, strict=True):
            requests = self.build(tokens.encode(digit), digit)
            for raw, difference in zip(requests, self.checks, strict=True):
                status, body = http_requests.send(port, raw, 60)
                if status != 200:
                    raise WrongMaps(f"{self.title}: {status} {body[:200]!r}")
                worst = max(worst, difference(body, maps))
        if not worst <= self.tolerance:
            raise WrongMaps(f"{self.title}: off by {worst:.2g}")
        return worst


def expected(network: Network, digits: NDArray[np.uint8]) -> list[Maps]:
    """The maps of each of `digits`: float32 (h, w, maps) by layer."""
    outputs = [network.activations(digit[np.newaxis]) for digit in digits]
    return [{name: found[name][0] for name in LAYERS} for found in outputs]


def _layer(name: str, form: str) -> Callable[[str, NDArray[np.uint8]], bytes]:
    path = f"/layers/{LAYERS[name]}?format={form}"
    return lambda token, _: http_requests.http_get(f"{path}&image={token}")


def _npy(name: str) -> Check:
    return lambda body, maps: _off(np.load(io.BytesIO(body)), maps[name])


def _off(found: Floats, right: Floats) -> float:
    if found.shape != right.shape:
        raise WrongMaps(f"the shape is {found.shape}, not {right.shape}")
    return float(np.abs(found - right).max() / max(1.0, np.abs(right).max()))


def _infer(digit: NDArray[np.uint8]) -> bytes:
    """One request of the Open Inference Protocol for all layers as binary tensors."""
    tensor = {"name": "images", "shape": [1, *digit.shape], "datatype": "UINT8"}
    document = {
        "inputs": [{**tensor, "parameters": {"binary_data_size": digit.nbytes}}],
        "outputs": [{"name": one, "parameters": {"binary_data": True}} for one in LAYERS],
    }
    body, headers = request_bodies.binary(document, digit.tobytes())
    return http_requests.http_post("/v2/models/mnist-lecture/infer", body, headers)


def _inferred(body: bytes, maps: Maps) -> float:
    size = sum(maps[name].nbytes for name in LAYERS)
    values, start, worst = np.frombuffer(body[-size:], "<f4"), 0, 0.0
    for name in LAYERS:
        right = maps[name]
        worst = max(worst, _off(values[start : start + right.size].reshape(right.shape), right))
        start += right.size
    return worst


def png_error(body: bytes, maps: Floats) -> float:
    """The largest error of the values that the viridis colours of the PNG `body` stand for.

    As a share of the largest value of `maps` (h, w, maps), the expected values. Raises WrongMaps if
    a map of zeros is not hatched.
    """
    pixels = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))
    height, width, count = maps.shape
    columns = grid._columns(count, width, height, 1)
    zoom = grid._zoom(columns, width, height, count)
    found = np.zeros_like(maps)
    for i in range(count):
        left = grid.MARGIN + i % columns * (width * zoom + grid.GAP)
        top = grid.HEAD + i // columns * (height * zoom + grid.GAP + grid.LABEL)
        tile = pixels[top : top + height * zoom, left : left + width * zoom]
        if maps[..., i].any():
            found[..., i] = _values(tile[zoom // 2 :: zoom, zoom // 2 :: zoom])
        elif {tuple(colour) for colour in tile.reshape(-1, 3).tolist()} != set(canvas.HATCH):
            raise WrongMaps(f"map {i} is zero and not hatched")
    return float(np.abs(found - maps / maps.max()).max())


def _values(colours: NDArray[np.uint8]) -> Floats:
    """Viridis colours, uint8 (h, w, 3), as values in 0..1, float32 (h, w)."""
    grey = np.arange(256, dtype=np.uint8)[np.newaxis]
    table = np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS))[0, :, ::-1].astype(int)
    away = np.abs(colours.astype(int)[..., np.newaxis, :] - table).sum(axis=-1)  # (h, w, 256)
    return np.asarray(away.argmin(axis=-1) / 255, np.float32)


def _all_layers(token: str, digit: NDArray[np.uint8]) -> list[bytes]:
    return [_layer(name, "npy")(token, digit) for name in LAYERS]


ALL = Case("all maps, four .npy", _all_layers, [_npy(name) for name in LAYERS])
CASES = (
    ALL,
    Case("all maps, one `/v2` answer", lambda _, digit: [_infer(digit)], [_inferred], old=False),
    Case("conv1 as .npy", lambda *one: [_layer("conv1", "npy")(*one)], [_npy("conv1")]),
    Case(
        "conv1 as PNG",
        lambda *one: [_layer("conv1", "png")(*one)],
        [lambda body, maps: png_error(body, maps["conv1"])],
        tolerance=ENTRY,
    ),
)
