"""A SavedModel becomes Grad-CAM heatmaps; the only module of the service that uses TensorFlow.

LiteRT computes everything that needs no gradient (`service.models.litert`). TensorFlow takes
seconds to import and more memory than the rest of the service, so it is imported at the first
Grad-CAM.
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
    """A network in TensorFlow. Every method blocks while it computes."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Load the SavedModel in `folder`; raises ModelError.

        TensorFlow takes the number of threads only before its first operation in a process.
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
        """Uint8 images (n, h, w, c) → probabilities, float32 (n, classes)."""
        return self._call("serving_default", "probabilities", images=images)

    def grad_cam(self, images: Images, index: NDArray[np.int32]) -> Floats:
        """Heatmaps, float32 (n, h', w'), of classes `index` (n,) for uint8 `images` (n, h, w, c).

        Grad-CAM (Selvaraju et al. 2017): ReLU of the sum of the last convolution's maps, each
        weighted by the mean gradient of the class's logit; so no value is negative. The network
        must have a convolution.
        """
        return self._call("grad_cam", "heatmap", images=images, index=index)

    def _call(self, signature: str, output: str, **inputs: NDArray[Any]) -> Floats:
        tensors = {name: self._constant(values) for name, values in inputs.items()}
        found: Floats = self._loaded.signatures[signature](**tensors)[output].numpy()
        return found


def tensorflow() -> Any:
    """The TensorFlow module, imported at the first call with its start messages kept quiet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        tempfile.gettempdir()
    except FileNotFoundError:  # On a full or read-only disk. The import only needs a name.
        tempfile.tempdir = os.curdir
    with quiet_stderr.unheard("tensorflow"):
        import tensorflow as tf

    return tf
