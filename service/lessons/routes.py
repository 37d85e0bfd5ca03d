"""The lecture's arithmetic on any small matrix: no model, every step shown."""

import asyncio
from typing import Annotated, Any, Literal, Self

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from service.errors import Invalid, Malformed, TooLarge, UnsupportedType
from service.http.problems import documented
from service.lessons import arithmetic, json_body
from service.routes.answers import JSON

router = APIRouter(prefix="/lessons", tags=["lessons"])

MOST_BYTES = 2 * 2**20
MOST_SIDE = 64
MOST_CHANNELS = 16
MOST_KERNELS = 16
MOST_PRODUCTS = 200_000
"""Products of one answer, all steps together: about 10 MB of JSON."""
MOST_STEPS = 8_192


def _depth(value: Any) -> int:
    """How many lists lie in one another, by the first of each; 3 at most."""
    depth = 0
    while isinstance(value, list | tuple) and depth < 3:
        value, depth = value[0] if value else None, depth + 1
    return depth


def _tell_grids(value: Any) -> str:
    return "image" if _depth(value) == 3 else "matrix"


def _tell_lists(value: Any) -> str:
    return "list" if _depth(value) else "number"


Number = Annotated[float, Field(strict=True, ge=-1e9, le=1e9, allow_inf_nan=False)]
# The lengths bound what is read of a body, and the first wrong number ends the reading.
Channels = Annotated[list[Number], Field(max_length=MOST_CHANNELS, fail_fast=True)]
Row = Annotated[list[Number], Field(max_length=MOST_SIDE, fail_fast=True)]
DeepRow = Annotated[list[Channels], Field(max_length=MOST_SIDE, fail_fast=True)]
Matrix = Annotated[list[Row], Field(max_length=MOST_SIDE, fail_fast=True)]
Image = Annotated[list[DeepRow], Field(max_length=MOST_SIDE, fail_fast=True)]
# Each is told apart first, so that a refusal speaks of what was meant.
Grid = Annotated[
    Annotated[Matrix, Tag("matrix")] | Annotated[Image, Tag("image")], Discriminator(_tell_grids)
]
Step = Annotated[int, Field(ge=1, le=MOST_SIDE)]
Pair = Annotated[
    Annotated[Step, Tag("number")] | Annotated[tuple[Step, Step], Tag("list")],
    Discriminator(_tell_lists),
]
Biases = Annotated[list[Number], Field(max_length=MOST_KERNELS)]
Floats = NDArray[np.float64]


class _Lesson(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: Grid = Field(description="Rows of numbers, or of lists with one a channel.")
    padding: Literal["SAME", "VALID"] = "VALID"

    def values(self) -> Floats:
        """The input, float64 (h, w, c)."""
        return _array("input", self.input)


class Convolution(_Lesson):
    """A 2-D input takes 2-D kernels; one with channels takes kernels with as many."""

    kernel: Grid | None = Field(None, description="One kernel.")
    kernels: Annotated[list[Grid], Field(min_length=1, max_length=MOST_KERNELS)] | None = Field(
        None, description="Several kernels of one size: several feature maps."
    )
    stride: Pair = Field(1, description="A number, or a pair: down and right.")
    bias: Annotated[
        Annotated[Number, Tag("number")] | Annotated[Biases, Tag("list")],
        Discriminator(_tell_lists),
    ] = Field(0.0, description="Added to every sum: a number, or one for each kernel.")
    activation: Literal["relu"] | None = None

    def stack(self) -> list[Floats]:
        """The kernels, float64 (h, w, c) each."""
        if self.kernels is not None:
            return [_array(f"kernels.{i}", one) for i, one in enumerate(self.kernels)]
        assert self.kernel is not None
        return [_array("kernel", self.kernel)]

    def offsets(self) -> list[float]:
        """One bias a kernel."""
        count = len(self.stack())
        return self.bias if isinstance(self.bias, list) else [self.bias] * count

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.kernel is None) == (self.kernels is None):
            raise _rule("give either `kernel` or `kernels`")
        values, kernels = self.values(), self.stack()
        if any(kernel.shape != kernels[0].shape for kernel in kernels):
            raise _rule("kernels: all must have the same size")
        if kernels[0].shape[2] != values.shape[2]:
            raise _rule(
                f"kernel: it has {kernels[0].shape[2]} channels, the input {values.shape[2]}"
            )
        if len(self.offsets()) != len(kernels):
            raise _rule(f"bias: {len(kernels)} kernels take as many biases")
        _check_window("kernel", values, kernels[0].shape[:2], self.padding)
        _check_work(values, kernels[0].size, len(kernels), _pair(self.stride))
        return self


class Pooling(_Lesson):
    """Every channel is pooled by itself."""

    window: Pair = Field(2, description="A number, or a pair: height and width.")
    stride: Pair | None = Field(None, description="As large as the window unless said otherwise.")
    method: Literal["max", "average"] = "max"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        values, window = self.values(), _pair(self.window)
        _check_window("window", values, window, self.padding)
        stride = _pair(self.stride or self.window)
        _check_work(values, window[0] * window[1], values.shape[2], stride)
        return self


class Place(BaseModel):
    """A place in a window."""

    row: int
    col: int


class ConvolutionStep(BaseModel):
    """`sum` is that of all products; `value` = activation(sum + bias)."""

    map: int
    row: int
    col: int
    window: list[Any]
    is_padding: list[list[bool]]
    products: list[Any]
    subtotals: list[float]
    sum: float
    bias: float
    value: float


class Convolved(BaseModel):
    """`result[row][column]`, or `result[map][row][column]` for several kernels."""

    result: list[Any]
    padded_input: list[Any]
    steps: list[ConvolutionStep]


class PoolingStep(BaseModel):
    """`ties` are as large as the winner and come later in the window."""

    channel: int
    row: int
    col: int
    window: list[list[float]]
    is_padding: list[list[bool]]
    winner: Place | None = None
    ties: list[Place] | None = None
    value: float


class Pooled(BaseModel):
    """`result` has the dimensions of the input."""

    result: list[Any]
    steps: list[PoolingStep]


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
    """Convolve a matrix: the result, the padded input, and the window behind every number."""
    return await asyncio.to_thread(_convolve, await json_body.document(request, Convolution))


@router.post(
    "/pooling",
    response_model=None,
    responses={200: {"model": Pooled}, **REFUSALS},
    openapi_extra=json_body.documented(Pooling, {"max": {"value": {"input": NINE, "stride": 1}}}),
)
async def pooling(request: Request) -> JSON:
    """Pool a matrix: the result, and for every number its window, its winner and the ties."""
    return await asyncio.to_thread(_pool, await json_body.document(request, Pooling))


def _convolve(lesson: Convolution) -> JSON:
    values = lesson.values()
    maps, padded, steps = arithmetic.convolve(
        values,
        lesson.stack(),
        _pair(lesson.stride),
        lesson.padding,
        lesson.offsets(),
        lesson.activation,
    )
    flat = _is_flat(lesson.input)
    for step in steps:
        for key in ("window", "products"):
            step[key] = _as_given(step[key], flat)
    result = maps if lesson.kernels is not None else maps[0]
    return JSON({"result": result, "padded_input": _as_given(padded, flat), "steps": steps})


def _pool(lesson: Pooling) -> JSON:
    result, steps = arithmetic.pool(
        lesson.values(),
        _pair(lesson.window),
        _pair(lesson.stride or lesson.window),
        lesson.padding,
        lesson.method,
    )
    return JSON({"result": _as_given(result, _is_flat(lesson.input)), "steps": steps})


def _rule(sentence: str) -> PydanticCustomError:
    """What a value breaks, without the prefix that pydantic gives a ValueError."""
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _is_flat(rows: Matrix | Image) -> bool:
    return not isinstance(rows[0][0], list)


def _as_given(values: Floats, flat: bool) -> Floats:
    """(h, w, 1) → (h, w) where the input came without channels."""
    return values[..., 0] if flat else values


def _array(name: str, rows: Matrix | Image) -> Floats:
    if not rows or not rows[0]:
        raise _rule(f"{name}: it is empty")
    if any(len(row) != len(rows[0]) for row in rows):
        raise _rule(f"{name}: its rows must all be as long")
    if max(len(rows), len(rows[0])) > MOST_SIDE:
        raise _rule(f"{name}: at most {MOST_SIDE} rows and {MOST_SIDE} columns")
    if not _is_flat(rows):
        lengths = {len(cell) for row in rows for cell in row if isinstance(cell, list)}
        if len(lengths) != 1 or not 1 <= lengths.pop() <= MOST_CHANNELS:
            raise _rule(f"{name}: every place must have the same 1 to {MOST_CHANNELS} channels")
    values = np.array(rows, np.float64)
    return values if values.ndim == 3 else values[..., np.newaxis]


def _check_window(name: str, values: Floats, window: tuple[int, ...], padding: str) -> None:
    if padding == "VALID" and (window[0] > values.shape[0] or window[1] > values.shape[1]):
        raise _rule(f"{name}: larger than the input, which padding VALID does not allow")


def _check_work(values: Floats, work: int, maps: int, stride: tuple[int, int]) -> None:
    """Refuse what would take more than MOST_STEPS steps, or products of `work` each."""
    steps = -(-values.shape[0] // stride[0]) * -(-values.shape[1] // stride[1]) * maps
    if steps > MOST_STEPS:
        raise _rule(f"input: more than {MOST_STEPS} steps; give a smaller one")
    if steps * work > MOST_PRODUCTS:
        raise _rule(f"input: more than {MOST_PRODUCTS} products; give a smaller one")
