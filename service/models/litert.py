"""A model's `network.tflite` becomes a network that LiteRT runs: images in, arrays out.

The file holds the SavedModel's own graph in float32, so the maps that are shown of an image come
from the computation that classified it.
"""

import timeit
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelError
from service.manifest import LITE, WEIGHTS
from service.workers import quiet_stderr

PIECE = 16
"""Images that the interpreter computes at once: more are no faster, and LiteRT keeps the memory."""

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]
_Run = Callable[..., Mapping[str, Floats]]


class Network:
    """Everything that a model computes except gradients. Every method blocks while it computes.

    `classify` must be called by one thread at a time; `activations` and `ablation` take turns by a
    lock, so any thread may call them.
    """

    def __init__(self, folder: Path, shape: tuple[int, int, int], threads: int = 1) -> None:
        """Load the network in `folder`; `shape` is (h, w, c). Raises ModelError."""
        self._shape = shape
        path = folder / LITE
        try:
            content = path.read_bytes()
            with quiet_stderr.unheard("litert"):
                answering, inside = _signatures(content, threads), _signatures(content, threads)
                answering["serving_default"](images=np.zeros((1, *shape), np.uint8))
            self._classify = answering["serving_default"]
            turns = Lock()
            self._activations = _in_turns(inside["activations"], turns)
            self._ablation = _in_turns(inside["ablation"], turns) if "ablation" in inside else None
            path = folder / WEIGHTS
            self.weights = _arrays(path)
            """Every layer's weights as `<layer>/kernel`, `<layer>/bias` and so on."""
        except (OSError, EOFError, KeyError, ValueError, RuntimeError, BadZipFile) as problem:
            raise ModelError(f"{path} cannot be loaded: {problem}") from problem

    def classify(self, images: Images) -> Floats:
        """Uint8 images (n, h, w, c) → float32 probabilities (n, classes).

        A model with an out-of-distribution score has it in one more column.
        """
        answer = _in_pieces(self._classify, images)
        if "unfamiliar" not in answer:
            return answer["probabilities"]
        return np.column_stack([answer["probabilities"], answer["unfamiliar"]])

    def seconds(self) -> float:
        """Seconds for one image of a batch of PIECE, the best of three measurements."""
        images = np.zeros((PIECE, *self._shape), np.uint8)
        return min(timeit.repeat(lambda: self.classify(images), number=1, repeat=3)) / PIECE

    def activations(self, images: Images) -> dict[str, Floats]:
        """The output of every layer for uint8 images (n, h, w, c): float32, by the layer's name.

        `<layer>/pre` is the output before the activation, `logits` the one before the softmax.
        """
        return dict(_in_pieces(self._activations, images))

    def ablation(self, images: Images, masks: Floats) -> dict[str, Floats]:
        """`probabilities` and `logits` with every convolution's maps multiplied by `masks`.

        `masks` is float32 (maps,), a factor for each map of all convolutions in their order. The
        network must have a convolution.
        """
        assert self._ablation is not None
        return dict(_in_pieces(self._ablation, images, masks=masks))


def _signatures(content: bytes, threads: int) -> dict[str, _Run]:
    """The runner of every signature by its name, all of one new interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=threads)
    return {
        name: interpreter.get_signature_runner(name) for name in interpreter.get_signature_list()
    }


def _in_turns(run: _Run, turns: Lock) -> _Run:
    """`run` behind the lock `turns`: the signatures of one interpreter share its memory."""

    def one(**arrays: Any) -> Mapping[str, Floats]:
        with turns:
            return run(**arrays)

    return one


def _in_pieces(run: _Run, images: Images, **more: Any) -> Mapping[str, Floats]:
    parts = [
        run(images=images[start : start + PIECE], **more) for start in range(0, len(images), PIECE)
    ]
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _arrays(path: Path) -> dict[str, Floats]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
