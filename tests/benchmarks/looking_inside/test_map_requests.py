"""Answers with maps are held to the network, and what is wrong with one is found."""

import io
import json

import numpy as np
import pytest

from benchmarks.looking_inside import map_requests
from benchmarks.looking_inside.map_requests import CASES, ENTRY, LAYERS, Maps, WrongMaps
from service.drawing import grid
from service.drawing.palettes import Floats
from service.images import tokens
from service.routes import answers

SHAPES = {"conv1": (26, 26, 32), "pool1": (13, 13, 32), "conv2": (11, 11, 64), "pool2": (5, 5, 64)}
DIGITS = np.random.default_rng(1).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)


def layers() -> Maps:
    random = np.random.default_rng(2)
    return {name: random.random(shape, np.float32) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("layer", SHAPES)
def test_a_picture_is_read_back_to_the_values_that_were_drawn(layer: str) -> None:
    values = 3 * layers()[layer]
    values[..., 5] = 0
    assert map_requests.png_error(grid.grid(values, "t"), values) <= ENTRY


def test_a_picture_of_other_maps_is_found_out() -> None:
    values = layers()["pool1"]
    other = values[..., ::-1]
    assert map_requests.png_error(grid.grid(other, "t"), values) > 10 * ENTRY


def test_a_map_of_zeros_must_be_hatched() -> None:
    values: Floats = layers()["pool1"]
    png = grid.grid(values, "t")
    values[..., 3] = 0
    with pytest.raises(WrongMaps, match="map 3"):
        map_requests.png_error(png, values)


def test_an_array_of_another_shape_is_refused() -> None:
    right = layers()
    with pytest.raises(WrongMaps, match="shape"):
        map_requests._npy("conv1")(answers.npy(right["conv2"]), right)


def test_bytes_after_the_json_are_the_layers_in_their_order() -> None:
    right = layers()
    body = b'{"outputs":[]}' + b"".join(right[name].tobytes() for name in LAYERS)
    assert map_requests._inferred(body, right) == 0
    assert map_requests._inferred(body[:-4] + np.float32(9).tobytes(), right) > 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_every_digit_has_as_many_requests_as_are_checked(case: map_requests.Case) -> None:
    raw = case.requests(DIGITS)
    assert len(raw) == len(DIGITS) * len(case.checks)
    assert len(set(raw)) == len(raw)


def test_four_requests_name_the_layers_and_the_image() -> None:
    asked = [one.split(b" ")[1].decode() for one in CASES[0].requests(DIGITS[:1])]
    token = tokens.encode(DIGITS[0])
    assert asked == [f"/layers/{one}?format=npy&image={token}" for one in LAYERS.values()]


def test_one_request_for_all_holds_the_pixels() -> None:
    raw = CASES[1].requests(DIGITS[:1])[0]
    head, _, body = raw.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.endswith(DIGITS[0].tobytes())
    document = json.load(io.BytesIO(body[: -DIGITS[0].nbytes]))
    assert [one["name"] for one in document["outputs"]] == list(LAYERS)
