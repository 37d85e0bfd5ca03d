"""The JSON documents of the lessons: requests, checked against limits, and responses."""

from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

MAX_SIDE = 64
MAX_CHANNELS = 16
MAX_KERNELS = 16
MAX_PRODUCTS = 200_000
"""Products in one answer, over all steps: about 10 MB of JSON."""
MAX_STEPS = 8_192


def _depth(value: Any) -> int:
    """How deep lists are nested, by the first element of each; at most 3."""
    depth = 0
    while isinstance(value, list | tuple) and depth < 3:
        value, depth = value[0] if value else None, depth + 1
    return depth


def _matrix_or_image(value: Any) -> str:
    return "image" if _depth(value) == 3 else "matrix"


def _number_or_list(value: Any) -> str:
    return "list" if _depth(value) else "number"


Number = Annotated[float, Field(strict=True, ge=-1e9, le=1e9, allow_inf_nan=False)]
# The maximal lengths bound how much of a body is checked; fail_fast stops at the first bad number.
Channels = Annotated[list[Number], Field(max_length=MAX_CHANNELS, fail_fast=True)]
Row = Annotated[list[Number], Field(max_length=MAX_SIDE, fail_fast=True)]
DeepRow = Annotated[list[Channels], Field(max_length=MAX_SIDE, fail_fast=True)]
Matrix = Annotated[list[Row], Field(max_length=MAX_SIDE, fail_fast=True)]
Image = Annotated[list[DeepRow], Field(max_length=MAX_SIDE, fail_fast=True)]
# A discriminator picks one type first: without it, an error would list the faults of both.
Grid = Annotated[
    Annotated[Matrix, Tag("matrix")] | Annotated[Image, Tag("image")],
    Discriminator(_matrix_or_image),
]
Step = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Pair = Annotated[
    Annotated[Step, Tag("number")] | Annotated[tuple[Step, Step], Tag("list")],
    Discriminator(_number_or_list),
]
Biases = Annotated[list[Number], Field(max_length=MAX_KERNELS)]
Floats = NDArray[np.float64]


class _Lesson(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: Grid = Field(
        description="A matrix `[row][column]`, or an image `[row][column][channel]`."
    )
    padding: Literal["SAME", "VALID"] = Field(
        "VALID", description="TensorFlow's padding: zeros around the input, or none."
    )

    def values(self) -> Floats:
        """The input, float64 (h, w, c)."""
        return _array("input", self.input)

    @property
    def is_matrix(self) -> bool:
        """Whether the input came without channels."""
        return _is_matrix(self.input)


class Convolution(_Lesson):
    """A matrix takes kernels that are matrices; an image takes kernels with as many channels."""

    kernel: Grid | None = Field(None, description="One kernel; the result is one feature map.")
    kernels: Annotated[list[Grid], Field(min_length=1, max_length=MAX_KERNELS)] | None = Field(
        None, description="Several kernels of one size; the result is one feature map for each."
    )
    stride: Pair = Field(
        1, description="Cells from one window to the next: one number, or [down, right]."
    )
    bias: Annotated[
        Annotated[Number, Tag("number")] | Annotated[Biases, Tag("list")],
        Discriminator(_number_or_list),
    ] = Field(0.0, description="Added to every sum: one number, or one for each kernel.")
    activation: Literal["relu"] | None = Field(None, description="Applied after the bias.")

    def stack(self) -> list[Floats]:
        """The kernels, float64 (kh, kw, c) each."""
        if self.kernels is not None:
            return [_array(f"kernels.{i}", one) for i, one in enumerate(self.kernels)]
        assert self.kernel is not None
        return [_array("kernel", self.kernel)]

    def strides(self) -> tuple[int, int]:
        """The stride, (down, right)."""
        return _pair(self.stride)

    def biases(self) -> list[float]:
        """One bias a kernel."""
        count = len(self.stack())
        return self.bias if isinstance(self.bias, list) else [self.bias] * count

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.kernel is None) == (self.kernels is None):
            raise _refusal("give either `kernel` or `kernels`")
        values, kernels = self.values(), self.stack()
        if any(kernel.shape != kernels[0].shape for kernel in kernels):
            raise _refusal("kernels: all must have the same size")
        if kernels[0].shape[2] != values.shape[2]:
            raise _refusal(
                f"kernel: it has {kernels[0].shape[2]} channels, the input has {values.shape[2]}"
            )
        if len(self.biases()) != len(kernels):
            raise _refusal(f"bias: {len(kernels)} kernels need as many biases")
        _check_window("kernel", values, kernels[0].shape[:2], self.padding)
        _check_work(values, kernels[0].size, len(kernels), self.strides())
        return self


class Pooling(_Lesson):
    """Every channel of the input is pooled separately."""

    window: Pair = Field(2, description="One number, or [height, width].")
    stride: Pair | None = Field(
        None, description="One number, or [down, right]; without it, the size of the window."
    )
    method: Literal["max", "average"] = Field("max", description="Padding is left out of both.")

    def size(self) -> tuple[int, int]:
        """The window's (height, width)."""
        return _pair(self.window)

    def strides(self) -> tuple[int, int]:
        """The stride, (down, right)."""
        return _pair(self.stride or self.window)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        values, window = self.values(), self.size()
        _check_window("window", values, window, self.padding)
        _check_work(values, window[0] * window[1], values.shape[2], self.strides())
        return self


class Position(BaseModel):
    """A row and column within the window, from 0."""

    row: int
    col: int


class ConvolutionStep(BaseModel):
    """One cell of the result: `sum` is of all products, `value` is activation(sum + bias)."""

    map: int
    row: int
    col: int
    window: list[Any]
    is_padding: list[list[bool]]
    products: list[Any]
    subtotals: list[float] = Field(description="The products' sum in each channel.")
    sum: float
    bias: float
    value: float


class Convolved(BaseModel):
    """The result of a convolution and the step behind each of its cells."""

    result: list[Any] = Field(
        description="`[row][column]` for `kernel`, `[map][row][column]` for `kernels`."
    )
    padded_input: list[Any] = Field(description="The input with its padding of zeros.")
    steps: list[ConvolutionStep]


class PoolingStep(BaseModel):
    """One cell of the result; `winner` and `ties` are for `max` only."""

    channel: int
    row: int
    col: int
    window: list[list[float]]
    is_padding: list[list[bool]]
    winner: Position | None = Field(None, description="The first maximum in the window.")
    ties: list[Position] | None = Field(None, description="Further cells as large as the winner.")
    value: float


class Pooled(BaseModel):
    """The result of a pooling and the step behind each of its cells."""

    result: list[Any] = Field(description="As deeply nested as the input.")
    steps: list[PoolingStep]


def _refusal(sentence: str) -> PydanticCustomError:
    """A validation error of `sentence` alone: pydantic puts a prefix before a ValueError's."""
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _is_matrix(rows: Matrix | Image) -> bool:
    return not isinstance(rows[0][0], list)


def _array(name: str, rows: Matrix | Image) -> Floats:
    """`rows` as float64 (h, w, c); c is 1 for a matrix. A ragged or empty one is refused."""
    if not rows or not rows[0]:
        raise _refusal(f"{name}: it is empty")
    if any(len(row) != len(rows[0]) for row in rows):
        raise _refusal(f"{name}: every row must be as long as the first")
    if max(len(rows), len(rows[0])) > MAX_SIDE:
        raise _refusal(f"{name}: at most {MAX_SIDE} rows and {MAX_SIDE} columns")
    if not _is_matrix(rows):
        lengths = {len(cell) for row in rows for cell in row if isinstance(cell, list)}
        if len(lengths) != 1 or not 1 <= lengths.pop() <= MAX_CHANNELS:
            raise _refusal(
                f"{name}: every cell must have the same number of channels, 1 to {MAX_CHANNELS}"
            )
    values = np.array(rows, np.float64)
    return values if values.ndim == 3 else values[..., np.newaxis]


def _check_window(name: str, values: Floats, window: tuple[int, ...], padding: str) -> None:
    if padding == "VALID" and (window[0] > values.shape[0] or window[1] > values.shape[1]):
        raise _refusal(f"{name}: larger than the input, which padding VALID does not allow")


def _check_work(values: Floats, products: int, maps: int, stride: tuple[int, int]) -> None:
    """Refuse more than MAX_STEPS steps, or steps of `products` each that exceed MAX_PRODUCTS."""
    steps = -(-values.shape[0] // stride[0]) * -(-values.shape[1] // stride[1]) * maps
    if steps > MAX_STEPS:
        raise _refusal(f"input: more than {MAX_STEPS} steps; give a smaller one")
    if steps * products > MAX_PRODUCTS:
        raise _refusal(f"input: more than {MAX_PRODUCTS} products; give a smaller one")
