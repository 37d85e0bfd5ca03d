"""Each Keras layer becomes an exported layer or is refused; residual networks are supported."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from service.manifest import Manifest
from tests.exported_models import tiny_dataset
from training.errors import ExportError
from training.exporting import from_keras, write_model

SHAPE = (12, 12, 1)


def _residual() -> Any:
    """A strided block with normalisation and a shortcut, whose weights are all random."""
    images = keras.Input(SHAPE, name="pixels")  # 12×12×1
    stem = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name="conv1")(images)
    left = layers.BatchNormalization(name="norm1")(stem)  # 6×6×4
    left = layers.Activation("silu", name="act1")(left)
    left = layers.Conv2D(4, 3, padding="same", name="conv2")(left)
    both = layers.Add(name="add1")([left, stem])  # 6×6×4
    both = layers.AveragePooling2D(2, name="pool1")(both)  # 3×3×4
    both = layers.GlobalAveragePooling2D(name="pool2")(both)  # 4
    both = layers.Dense(3, name="dense1")(both)
    network = keras.Model(images, layers.Activation("softmax", name="output")(both))
    random = np.random.default_rng(4)
    network.set_weights([random.uniform(0.1, 0.5, w.shape) for w in network.get_weights()])
    return network


@pytest.fixture(scope="module")
def residual() -> Any:
    return _residual()


@pytest.fixture(scope="module")
def folder(residual: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "residual" / "1"
    write_model.export(from_keras.convert(residual), tiny_dataset(SHAPE), {}, folder)
    return folder


def test_residual_network_computes_what_keras_computes(residual: Any, folder: Path) -> None:
    images = tiny_dataset(SHAPE).test.images
    loaded = tf.saved_model.load(str(folder))
    ours = loaded.signatures["activations"](images=tf.constant(images))
    named = {layer.name: layer.output for layer in residual.layers[1:]}
    theirs = keras.Model(residual.inputs[0], named)(images.astype(np.float32) / 255)
    for name, values in theirs.items():
        assert np.abs(ours[name].numpy() - values.numpy()).max() <= 1e-5, name
    assert np.abs(ours["logits"].numpy() - theirs["dense1"].numpy()).max() <= 1e-5


def test_manifest_tells_what_feeds_each_layer(folder: Path) -> None:
    manifest = Manifest.read(folder)
    feeding = {layer.name: layer.inputs for layer in manifest.layers}
    assert feeding["conv1"] == ("images",)
    assert feeding["add1"] == ("conv2", "conv1")
    assert feeding["norm1"] == ("conv1",)
    kinds = {layer.name: (layer.kind, layer.parameters, layer.formula) for layer in manifest.layers}
    assert kinds["norm1"] == ("batch_normalization", 16, "4·4 = 16")
    assert kinds["conv1"] == ("convolution", 36, "3·3·1·4 = 36")
    assert kinds["pool2"] == ("global_average_pooling", 0, None)
    assert set(manifest.statistics) == {"conv1", "conv2", "pool1"}


def test_weights_of_normalisation_are_named(residual: Any, folder: Path) -> None:
    weights = np.load(folder / "weights.npz")
    norm = residual.get_layer("norm1")
    assert (weights["norm1/gamma"] == norm.gamma.numpy()).all()
    assert (weights["norm1/beta"] == norm.beta.numpy()).all()
    assert (weights["norm1/mean"] == norm.moving_mean.numpy()).all()
    assert (weights["norm1/variance"] == norm.moving_variance.numpy()).all()
    assert "conv1/bias" not in weights


def test_network_without_convolution_has_no_signatures_about_maps(tmp_path: Path) -> None:
    network = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Flatten(name="flatten"),
            layers.Dense(3, activation="softmax", name="output"),
        ]
    )
    folder = tmp_path / "dense" / "1"
    write_model.export(from_keras.convert(network), tiny_dataset(SHAPE), {}, folder)
    signatures = tf.saved_model.load(str(folder)).signatures
    assert set(signatures) == {"serving_default", "activations"}


@pytest.mark.parametrize(
    "layer",
    [
        layers.SpatialDropout2D(0.5),
        layers.Conv2D(2, 3, activation="elu"),
        layers.Conv2D(2, 3, dilation_rate=2),
        layers.BatchNormalization(center=False),
        layers.Activation("linear"),
    ],
)
def test_layer_that_cannot_be_expressed_is_refused(layer: Any) -> None:
    network = keras.Sequential([keras.Input(SHAPE), layer])
    with pytest.raises(ExportError, match="cannot be exported"):
        from_keras.convert(network)
