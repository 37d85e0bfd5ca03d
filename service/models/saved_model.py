"""The one module that touches TensorFlow: a SavedModel's folder becomes gradients of its answers.

All that needs no gradient is LiteRT's work, see `lite`; so TensorFlow, which takes seconds to
import and more memory than everything else, is imported when somebody first asks why.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelError
from service.workers import quiet_stderr

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]

REQUIRED = ("serving_default", "activations")


class SavedModel:
    """A network in TensorFlow. The methods block for as long as it computes."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Load `folder`, or raise ModelError with a sentence on what is wrong with it.

        A process that has used TensorFlow before keeps the number of threads that it has.
        """
        tf = tensorflow()
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        try:
            self._loaded = tf.saved_model.load(str(folder))
        except Exception as problem:  # TensorFlow raises whatever its readers raise.
            raise ModelError(f"{folder} is not a SavedModel that can be loaded: {problem}") from (
                problem
            )
        if missing := set(REQUIRED) - set(self._loaded.signatures):
            raise ModelError(f"{folder} lacks the signatures {', '.join(sorted(missing))}")
        self._constant = tf.constant

    def probabilities(self, images: Images) -> Floats:
        """Images (n, h, w, c) → (n, classes)."""
        return self._call("serving_default", "probabilities", images=images)

    def grad_cam(self, images: Images, index: NDArray[np.int32]) -> Floats:
        """How much each place speaks for class `index` (n,): float32 (n, h, w), never negative.

        Selvaraju et al. 2017: the ReLU of the last convolution's maps, each weighted by the mean
        gradient of the class' logit. A network without convolutions cannot do this.
        """
        return self._call("grad_cam", "heatmap", images=images, index=index)

    def _call(self, signature: str, output: str, **inputs: NDArray[Any]) -> Floats:
        tensors = {name: self._constant(values) for name, values in inputs.items()}
        found: Floats = self._loaded.signatures[signature](**tensors)[output].numpy()
        return found


def tensorflow() -> Any:
    """TensorFlow, imported when it is first asked for, without a word of its own."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        tempfile.gettempdir()
    except FileNotFoundError:  # A full or read-only disk. The import asks for a name and no more.
        tempfile.tempdir = os.curdir
    with quiet_stderr.unheard("tensorflow"):
        import tensorflow as tf

    return tf
