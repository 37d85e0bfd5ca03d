"""Each epoch's figures and network become what TensorBoard shows: `tensorboard --logdir FOLDER`.

Scalars over epochs for training and validation, the graph, a picture of every class, and the
feature maps and weights as they change. The pictures are validation images, so a folder of logs
holds images of the data set.
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
from training.errors import BoardError
from training.exporting import from_keras
from training.exporting.saved_model import Bundle
from training.networks import lowlevel
from training.networks.layers import Node

MOST_SAMPLES = 10


class Board:
    """A watcher of training: FOLDER/train and FOLDER/validation take what it is told.

    Raises BoardError where TensorBoard's package is missing or the folder cannot be written.
    """

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise BoardError("--logdir needs TensorBoard: pip install tensorboard.")
        self._train, self._validation = _writer(folder / "train"), _writer(folder / "validation")
        self._dataset = dataset
        chosen = _one_a_class(dataset.validation)[:MOST_SAMPLES]
        self._samples = dataset.validation.images[chosen]  # (samples, h, w, c)
        self._names = [dataset.labels[i] for i in dataset.validation.labels[chosen]]
        self._begun = False

    def __call__(self, epoch: int, figures: Mapping[str, float], network: Any) -> None:
        """Write what epoch `epoch`, counted from 1, came to."""
        nodes = from_keras.convert(network)
        with self._train.as_default(step=epoch):
            if not self._begun:
                self._begin(network, nodes)
            tf.summary.scalar("loss", figures["loss"])
            tf.summary.scalar("accuracy", figures["accuracy"])
            self._draw_maps(nodes)
            _spread(nodes)
        with self._validation.as_default(step=epoch):
            tf.summary.scalar("loss", figures["val_loss"])
            tf.summary.scalar("accuracy", figures["val_accuracy"])
        self._train.flush()
        self._validation.flush()

    def _begin(self, network: Any, nodes: Sequence[Node]) -> None:
        """What does not change: the graph and the samples."""
        low = isinstance(network, lowlevel.Network)
        tf.summary.graph(network.graph() if low else graph(nodes, self._dataset.shape))
        for name, image in zip(self._names, self._samples, strict=True):
            tf.summary.image(f"samples/{name}", image[np.newaxis])
        self._begun = True

    def _draw_maps(self, nodes: Sequence[Node]) -> None:
        """The maps of every convolution and pooling layer for the first sample."""
        outputs = Bundle(nodes, self._dataset.shape).activations(self._samples[:1])
        for node in nodes:
            maps = outputs[node.name][0].numpy()  # (h, w, maps)
            if maps.ndim == 3 and (node.kind == "convolution" or node.kind in POOLING):
                title = f"{node.name}, from a picture of {self._names[0]}"
                tf.summary.image(f"maps/{node.name}", _pixels(grid.grid(maps, title)))


def graph(nodes: Sequence[Node], shape: tuple[int, int, int]) -> Any:
    """The GraphDef of a forward pass, a scope for each layer, with its cost and how many are right.

    It has no optimizer: the one that Keras brings is not made of these nodes.
    """
    with tf.Graph().as_default() as drawn:
        bundle = Bundle(nodes, shape)
        images = tf.raw_ops.Placeholder(dtype=tf.uint8, shape=(None, *shape), name="images")
        labels = tf.raw_ops.Placeholder(dtype=tf.int64, shape=(None,), name="labels")
        logits = bundle.activations(images)["logits"]
        with tf.name_scope("cost"):
            tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        with tf.name_scope("prediction"):
            # In a graph, == would compare the tensors' identities.
            tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, axis=1), labels), tf.int32))
    return drawn.as_graph_def()


def _writer(folder: Path) -> Any:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tf.summary.create_file_writer(str(folder))
    except (OSError, tf.errors.OpError) as problem:
        raise BoardError(f"No logs can be written to {folder}: {problem}.") from problem


def _one_a_class(split: Split) -> NDArray[np.intp]:
    """The places of the first image of each label that occurs, in the order of the labels."""
    return np.unique(split.labels, return_index=True)[1]


def _spread(nodes: Sequence[Node]) -> None:
    """A histogram of the values of every weight."""
    for node in nodes:
        for what, values in node.weights.items():
            tf.summary.histogram(f"{node.name}/{what}", values)


def _pixels(png: bytes) -> NDArray[np.uint8]:
    """The picture as a batch of one, uint8 (1, h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[np.newaxis]
