"""Each epoch's figures and network become logs for TensorBoard: `tensorboard --logdir FOLDER`.

TensorBoard shows loss and accuracy for training and validation, the graph, one image per class,
and, for every epoch, feature maps and histograms of the weights. The images are validation images,
so the logs contain a part of the data set.
"""

import importlib.util
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from service.drawing import grid
from service.manifest import POOLING
from training.datasets.named import Dataset, Split
from training.errors import TensorBoardError
from training.exporting import from_keras
from training.exporting.saved_model import ExportedModel
from training.networks import lowlevel
from training.networks.layers import ExportedLayer

MOST_SAMPLES = 10
"""Most images that are logged."""


class TensorBoardLog:
    """A callback of `loop.fit` that writes to `folder`/train and `folder`/validation.

    Raises TensorBoardError if TensorBoard is not installed or the folder cannot be written.
    """

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise TensorBoardError("--logdir needs TensorBoard: pip install tensorboard.")
        self._train, self._validation = _writer(folder / "train"), _writer(folder / "validation")
        self._dataset = dataset
        chosen = _first_of_each_class(dataset.validation)[:MOST_SAMPLES]
        self._samples = dataset.validation.images[chosen]  # (samples, h, w, c)
        self._names = [dataset.labels[i] for i in dataset.validation.labels[chosen]]
        self._started = False

    def __call__(self, epoch: int, figures: Mapping[str, float], network: Any) -> None:
        """Log the figures and the network after `epoch`, counted from 1."""
        layers = from_keras.convert(network)
        with self._train.as_default(step=epoch):
            if not self._started:
                self._write_constants(network, layers)
            tf.summary.scalar("loss", figures["loss"])
            tf.summary.scalar("accuracy", figures["accuracy"])
            self._write_maps(layers)
            _write_histograms(layers)
        with self._validation.as_default(step=epoch):
            tf.summary.scalar("loss", figures["val_loss"])
            tf.summary.scalar("accuracy", figures["val_accuracy"])
        self._train.flush()
        self._validation.flush()

    def _write_constants(self, network: Any, layers: Sequence[ExportedLayer]) -> None:
        """Log the graph and the images, which do not change."""
        low = isinstance(network, lowlevel.Network)
        tf.summary.graph(network.graph() if low else graph(layers, self._dataset.shape))
        for name, image in zip(self._names, self._samples, strict=True):
            tf.summary.image(f"samples/{name}", image[np.newaxis])
        self._started = True

    def _write_maps(self, layers: Sequence[ExportedLayer]) -> None:
        """Log the maps of every convolution and pooling layer for the first image."""
        outputs = ExportedModel(layers, self._dataset.shape).activations(self._samples[:1])
        for layer in layers:
            maps = outputs[layer.name][0].numpy()  # (h, w, maps)
            if maps.ndim == 3 and (layer.kind == "convolution" or layer.kind in POOLING):
                title = f"{layer.name}, from a picture of {self._names[0]}"
                tf.summary.image(f"maps/{layer.name}", _pixels(grid.grid(maps, title)))


def graph(layers: Sequence[ExportedLayer], shape: tuple[int, int, int]) -> Any:
    """The GraphDef of a forward pass, one scope per layer, with cost and correct predictions.

    It has no optimizer, because Keras' optimizer does not use these layers. `shape` is that of an
    image (h, w, c).
    """
    with tf.Graph().as_default() as drawn:
        model = ExportedModel(layers, shape)
        images = tf.raw_ops.Placeholder(dtype=tf.uint8, shape=(None, *shape), name="images")
        labels = tf.raw_ops.Placeholder(dtype=tf.int64, shape=(None,), name="labels")
        logits = model.activations(images)["logits"]
        with tf.name_scope("cost"):
            tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        with tf.name_scope("prediction"):
            # Within a tf.Graph, == compares the identities of the tensors.
            tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, axis=1), labels), tf.int32))
    return drawn.as_graph_def()


def _writer(folder: Path) -> Any:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tf.summary.create_file_writer(str(folder))
    except (OSError, tf.errors.OpError) as problem:
        raise TensorBoardError(f"No logs can be written to {folder}: {problem}.") from problem


def _first_of_each_class(split: Split) -> NDArray[np.intp]:
    """The index of the first image of each label that occurs, in the order of the labels."""
    return np.unique(split.labels, return_index=True)[1]


def _write_histograms(layers: Sequence[ExportedLayer]) -> None:
    """Log a histogram of the values of each weight."""
    for layer in layers:
        for what, values in layer.weights.items():
            tf.summary.histogram(f"{layer.name}/{what}", values)


def _pixels(png: bytes) -> NDArray[np.uint8]:
    """A PNG as a batch of one image, uint8 (1, h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[np.newaxis]
