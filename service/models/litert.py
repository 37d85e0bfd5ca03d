"""A model's `network.tflite` becomes images in, arrays out, run by LiteRT on one core.

It holds the SavedModel's own graph in float32: what is shown of an image is what answered for it.
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
"""Images at once: more are no faster, and what they take inside stays."""

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]
_Run = Callable[..., Mapping[str, Floats]]


class Network:
    """All that one model computes but gradients; every method blocks for as long as it computes.

    `classify` is not for two threads at once; `activations` and `ablation` are, and take turns.
    """

    def __init__(self, folder: Path, shape: tuple[int, int, int], threads: int = 1) -> None:
        """Load what is in `folder`, or raise ModelError with a sentence on what is wrong."""
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
        """Images (n, h, w, c) → rows (n, classes), one more column for `unfamiliar`."""
        answer = _in_pieces(self._classify, images)
        if "unfamiliar" not in answer:
            return answer["probabilities"]
        return np.column_stack([answer["probabilities"], answer["unfamiliar"]])

    def seconds(self) -> float:
        """How long one image of a batch takes at present: the best of three tries."""
        images = np.zeros((PIECE, *self._shape), np.uint8)
        return min(timeit.repeat(lambda: self.classify(images), number=1, repeat=3)) / PIECE

    def activations(self, images: Images) -> dict[str, Floats]:
        """The output of every layer by its name, `<layer>/pre` before its activation, `logits`."""
        return dict(_in_pieces(self._activations, images))

    def ablation(self, images: Images, masks: Floats) -> dict[str, Floats]:
        """`probabilities` and `logits` with every convolution's maps multiplied by `masks`.

        `masks` is float32 with one number a map, all convolution layers in their order. Not for a
        network without convolutions.
        """
        assert self._ablation is not None
        return dict(_in_pieces(self._ablation, images, masks=masks))


def _signatures(content: bytes, threads: int) -> dict[str, _Run]:
    """Every signature by its name, in an interpreter of their own."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=threads)
    return {
        name: interpreter.get_signature_runner(name) for name in interpreter.get_signature_list()
    }


def _in_turns(run: _Run, turns: Lock) -> _Run:
    """`run` for several threads: signatures of one interpreter share what they compute in."""

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
