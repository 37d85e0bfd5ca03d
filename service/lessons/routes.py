"""`POST /lessons/…`: a small matrix becomes its convolution or pooling, without any model."""

import asyncio

from fastapi import APIRouter, Request

from service.errors import Invalid, Malformed, TooLarge, UnsupportedType
from service.http.json_response import JSON
from service.http.problems import documented
from service.lessons import arithmetic, json_body
from service.lessons.schemas import Convolution, Convolved, Floats, Pooled, Pooling

router = APIRouter(prefix="/lessons", tags=["lessons"])

MOST_BYTES = 2 * 2**20
"""Largest request body."""

# Examples from the lecture.
CROSS = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
NINE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
ONES = [[1, 1], [1, 1]]

REFUSALS = documented(Malformed, TooLarge, UnsupportedType, Invalid)


@router.post(
    "/convolution",
    response_model=None,
    responses={200: {"model": Convolved}, **REFUSALS},
    openapi_extra=json_body.documented(
        Convolution,
        {
            "the lecture's first": {
                "value": {"input": CROSS, "kernel": [[1, 0, 1], [0, 1, 0], [1, 0, 1]]}
            },
            "VALID": {"value": {"input": NINE, "kernel": ONES, "padding": "VALID"}},
            "SAME": {"value": {"input": NINE, "kernel": ONES, "padding": "SAME"}},
        },
    ),
)
async def convolution(request: Request) -> JSON:
    """Convolve a matrix or an image: the result, the padded input, and a step for every cell.

    The kernel is laid over the input as it is, as neural networks do: mathematics calls this
    cross-correlation. The products of all channels are summed into one feature map.
    """
    return await asyncio.to_thread(_convolve, await json_body.document(request, Convolution))


@router.post(
    "/pooling",
    response_model=None,
    responses={200: {"model": Pooled}, **REFUSALS},
    openapi_extra=json_body.documented(Pooling, {"max": {"value": {"input": NINE, "stride": 1}}}),
)
async def pooling(request: Request) -> JSON:
    """Pool a matrix or an image: the result, and for every cell its window, maximum and ties."""
    return await asyncio.to_thread(_pool, await json_body.document(request, Pooling))


def _convolve(lesson: Convolution) -> JSON:
    maps, padded, steps = arithmetic.convolve(
        lesson.values(),
        lesson.stack(),
        lesson.strides(),
        lesson.padding,
        lesson.biases(),
        lesson.activation,
    )
    for step in steps:
        for key in ("window", "products"):
            step[key] = _as_given(step[key], lesson)
    result = maps if lesson.kernels is not None else maps[0]
    return JSON({"result": result, "padded_input": _as_given(padded, lesson), "steps": steps})


def _pool(lesson: Pooling) -> JSON:
    result, steps = arithmetic.pool(
        lesson.values(), lesson.size(), lesson.strides(), lesson.padding, lesson.method
    )
    return JSON({"result": _as_given(result, lesson), "steps": steps})


def _as_given(values: Floats, lesson: Convolution | Pooling) -> Floats:
    """(h, w, 1) → (h, w) if the input came without channels."""
    return values[..., 0] if lesson.is_matrix else values
