"""A model's `predict.tflite` becomes images in, probabilities out, run by LiteRT on one core."""

import timeit
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service import announcements
from service.errors import ModelError
from service.manifest import LITE

# A batch is cut into pieces of these sizes: any number of images, nothing padded, few shapes.
SIZES = (16, 4, 1)


class Classifier:
    """Images uint8 (n, h, w, c) → rows float32 (n, classes), one more column for `unfamiliar`.

    Not for two threads at once.
    """

    def __init__(self, folder: Path, shape: tuple[int, int, int], threads: int = 1) -> None:
        """Load the file in `folder`, or raise ModelError with a sentence on what is wrong."""
        self._shape = shape
        try:
            content = (folder / LITE).read_bytes()
            with announcements.unheard("litert"):
                self._pieces = [(size, _Piece(content, (size, *shape), threads)) for size in SIZES]
        except (OSError, ValueError, RuntimeError, KeyError) as problem:
            raise ModelError(f"{folder / LITE} cannot be loaded: {problem}") from problem

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The rows of `images`, in their order."""
        rows, start = [], 0
        for size, run in self._pieces:
            while len(images) - start >= size:
                rows.append(run(images[start : start + size]))
                start += size
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def seconds(self) -> float:
        """How long one image of a batch takes at present: the best of three tries."""
        size, run = self._pieces[0]
        images = np.zeros((size, *self._shape), np.uint8)
        return min(timeit.repeat(lambda: run(images), number=1, repeat=3)) / size


class _Piece:
    """The network for one fixed number of images."""

    def __init__(self, content: bytes, shape: tuple[int, ...], threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        # A runner would hold on to tensors that are about to change their size.
        inputs, outputs = _places(Interpreter(model_content=content))
        self._images = inputs["images"]
        self._probabilities = outputs["probabilities"]
        self._unfamiliar = outputs.get("unfamiliar")
        self._interpreter.resize_tensor_input(self._images, shape, strict=True)
        self._interpreter.allocate_tensors()
        self(np.zeros(shape, np.uint8))

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self._images, np.ascontiguousarray(images))
        self._interpreter.invoke()
        rows: NDArray[np.float32] = self._interpreter.get_tensor(self._probabilities)
        if self._unfamiliar is None:
            return rows
        return np.column_stack([rows, self._interpreter.get_tensor(self._unfamiliar)])


def _places(interpreter: Any) -> tuple[dict[str, int], dict[str, int]]:
    """The tensors' places by the names that the signature gives its inputs and outputs."""
    runner = interpreter.get_signature_runner("serving_default")
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    return (
        {name: tensor["index"] for name, tensor in inputs.items()},
        {name: tensor["index"] for name, tensor in outputs.items()},
    )
