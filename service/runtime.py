"""The one module that touches TensorFlow: a SavedModel's folder becomes arrays in, arrays out."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service import announcements
from service.errors import ModelError

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]

REQUIRED = ("serving_default", "activations", "weights")
OPTIONAL = ("grad_cam", "ablation")


def start(threads: int) -> None:
    """Import TensorFlow and bound its threads; to be called once, before any model is loaded."""
    tf = tensorflow()
    # A process that has used TensorFlow before keeps the threads that it has.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


class Network:
    """The signatures of one SavedModel, each a function from numpy arrays to numpy arrays.

    Images are uint8 of shape (n, h, w, c). The methods block for as long as the model computes.
    A network without convolutions has no `grad_cam` and no `ablation`: see `can`.
    """

    def __init__(self, folder: Path) -> None:
        """Load `folder`, or raise ModelError with a sentence on what is wrong with it."""
        tf = tensorflow()
        try:
            self._loaded = tf.saved_model.load(str(folder))
        except Exception as problem:  # TensorFlow raises whatever its readers raise.
            raise ModelError(f"{folder} is not a SavedModel that can be loaded: {problem}") from (
                problem
            )
        if missing := set(REQUIRED) - set(self._loaded.signatures):
            raise ModelError(f"{folder} lacks the signatures {', '.join(sorted(missing))}")
        self._constant = tf.constant
        self._run: dict[str, Callable[..., Mapping[str, Any]]] = {
            name: self._loaded.signatures[name]
            for name in (*REQUIRED, *OPTIONAL)
            if name in self._loaded.signatures
        }

    def can(self, signature: str) -> bool:
        """Whether the model has this signature."""
        return signature in self._run

    def activations(self, images: Images) -> dict[str, Floats]:
        """The output of every layer by its name, `<layer>/pre` before its activation, `logits`."""
        return self._call("activations", images=self._constant(images))

    def grad_cam(self, images: Images, index: NDArray[np.int32]) -> Floats:
        """How much each place speaks for class `index` (n,): float32 (n, h, w), never negative.

        Selvaraju et al. 2017: the ReLU of the last convolution's maps, each weighted by the mean
        gradient of the class' logit.
        """
        images_, index_ = self._constant(images), self._constant(index)
        return self._call("grad_cam", images=images_, index=index_)["heatmap"]

    def weights(self) -> dict[str, Floats]:
        """Every layer's weights as `<layer>/kernel`, `<layer>/bias` and so on."""
        return self._call("weights")

    def ablation(self, images: Images, masks: Floats) -> dict[str, Floats]:
        """`probabilities` and `logits` with every convolution's maps multiplied by `masks`.

        `masks` is float32 with one number a map, all convolution layers in their order.
        """
        images_, masks_ = self._constant(images), self._constant(masks)
        return self._call("ablation", images=images_, masks=masks_)

    def _call(self, signature: str, **inputs: Any) -> dict[str, Floats]:
        return {name: value.numpy() for name, value in self._run[signature](**inputs).items()}


def tensorflow() -> Any:
    """TensorFlow, imported when it is first asked for, without a word of its own."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        tempfile.gettempdir()
    except FileNotFoundError:  # A full or read-only disk. The import asks for a name and no more.
        tempfile.tempdir = os.curdir
    with announcements.unheard("tensorflow"):
        import tensorflow as tf

    return tf
