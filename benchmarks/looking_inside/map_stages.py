"""CPU time of one request for maps by stage, in µs, in one process without a network."""

import asyncio
import io
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import cpu_time
from benchmarks.looking_inside.map_requests import CASES
from service.app import create_app
from service.drawing import grid, png
from service.images import tokens
from service.models.model import Model
from service.routes import answers
from service.settings import Settings

Stages = dict[str, float]

REQUEST = "one request"
PILLOW_ENCODER = "beside it: the PNG file by Pillow's encoder"


def measure(digits: NDArray[np.uint8]) -> dict[str, Stages]:
    """The stages of conv1 as .npy and as PNG for `digits`, uint8 (n, 28, 28, 1), none cached."""
    with asyncio.Runner(loop_factory=cpu_time.uvloop_factory()) as runner:
        return runner.run(_measure(digits))


async def _measure(digits: NDArray[np.uint8]) -> dict[str, Stages]:
    app = create_app(Settings())
    async with app.router.lifespan_context(app) as state:
        model: Model = app.state.models.get()
        texts = [tokens.encode(digit) for digit in digits]
        maps = [model.network.activations(digit[np.newaxis])["conv1"][0] for digit in digits]
        shared = {
            "token": cpu_time.per_item(lambda one: tokens.decode(one, digits.shape[1:]), texts),
            "network": cpu_time.per_item(
                lambda one: model.network.activations(one[np.newaxis]), [*digits]
            ),
        }
        made = {"npy": _npy(maps), "PNG": _picture(maps)}
        found = {}
        for case, form in zip(CASES[-2:], made, strict=True):
            raw = case.requests(digits)
            whole = await cpu_time.per_request(app, dict(state or {}), raw, time.process_time)
            known = {**shared, **made[form]}
            rest = {"HTTP, routing, parameters, entity tag": whole - sum(known.values())}
            found[case.title] = {**known, **rest, REQUEST: whole}
    found[CASES[-1].title][PILLOW_ENCODER] = _by_pillow(maps)
    return found


def _npy(maps: Sequence[NDArray[np.float32]]) -> Stages:
    return {"the .npy": cpu_time.per_item(answers.npy, maps)}


def _by_pillow(maps: Sequence[NDArray[np.float32]]) -> float:
    """With the zlib level that the first version used."""
    return cpu_time.per_item(
        lambda one: one.save(io.BytesIO(), "PNG", compress_level=3), _drawn(maps)
    )


def _drawn(maps: Sequence[NDArray[np.float32]]) -> list[Image.Image]:
    pngs = [grid.grid(one, "mnist-lecture · conv1") for one in maps]
    return [Image.open(io.BytesIO(one)).copy() for one in pngs]


def _picture(maps: Sequence[NDArray[np.float32]]) -> Stages:
    """Drawing, and compressing the drawn pixels."""
    drawn = _drawn(maps)
    sheets = [(np.array(one), np.array(one.getpalette(), np.uint8)) for one in drawn]
    encoding = cpu_time.per_item(lambda one: png.encode(one[0], one[1], {}), sheets)
    whole = cpu_time.per_item(lambda one: grid.grid(one, "mnist-lecture · conv1"), maps)
    return {"colours, tiles, words": whole - encoding, "the PNG file": encoding}
