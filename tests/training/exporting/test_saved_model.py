"""The saved signatures give the results of Keras and of an independent calculation."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from service.manifest import Manifest
from tests.exported_models import tiny_dataset
from training.exporting import from_keras, write_model
from training.networks import lecture

SHAPE = (14, 13, 3)
NETWORKS = {
    "same": lecture.mnist_lecture_same,
    "valid": lecture.mnist_lecture,
    "cifar": lecture.cifar10_lecture_2conv,
}

Outputs = dict[str, NDArray[np.float32]]


class Exported:
    """A Keras network with random weights, its SavedModel, and eight random images."""

    def __init__(self, folder: Path, name: str) -> None:
        keras.utils.set_random_seed(3)
        self.folder = folder
        self.keras = NETWORKS[name](SHAPE, 3)
        for weights in self.keras.weights:  # Biases too, which Keras starts at zero.
            weights.assign(weights + tf.random.normal(weights.shape, stddev=0.05))
        self.dataset = tiny_dataset(SHAPE)
        self.images = self.dataset.test.images[:8]
        self.manifest: Manifest = write_model.export(
            from_keras.convert(self.keras), self.dataset, {}, folder
        )
        self.weights = np.load(folder / "weights.npz")
        self._loaded = tf.saved_model.load(str(folder))

    def run(self, signature: str, **inputs: Any) -> Outputs:
        outputs = self._loaded.signatures[signature](
            **{name: tf.constant(values) for name, values in inputs.items()}
        )
        return {name: values.numpy() for name, values in outputs.items()}

    def activations(self) -> Outputs:
        return self.run("activations", images=self.images)


@pytest.fixture(scope="module", params=NETWORKS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("models") / "tiny" / "1", request.param)


def _keras_outputs(model: Any, images: NDArray[np.uint8]) -> Outputs:
    layers = {layer.name: layer.output for layer in model.layers}
    outputs = keras.Model(model.inputs[0], layers)(images.astype(np.float32) / 255)
    return {name: values.numpy() for name, values in outputs.items()}


def test_every_activation_is_that_of_keras(exported: Exported) -> None:
    ours, theirs = exported.activations(), _keras_outputs(exported.keras, exported.images)
    assert {name for name in ours if "/" not in name} == {*theirs, "logits"}
    for name, values in theirs.items():
        assert np.abs(ours[name] - values).max() <= 1e-5, name


def test_probabilities_are_those_of_keras(exported: Exported) -> None:
    ours = exported.run("serving_default", images=exported.images)
    theirs = exported.keras(exported.images.astype(np.float32) / 255).numpy()
    assert list(ours) == ["probabilities"]
    assert ours["probabilities"].dtype == np.float32
    assert np.abs(ours["probabilities"] - theirs).max() <= 1e-5


# None at all is no batch: TensorFlow computes it without oneDNN and refuses it with.
@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_images_is_taken(exported: Exported, count: int) -> None:
    outputs = exported.run("serving_default", images=exported.images[:count])
    assert outputs["probabilities"].shape == (count, 3)


def test_values_before_the_activation_stand_beside_each_layer_that_has_one(
    exported: Exported,
) -> None:
    outputs = exported.activations()
    assert [name for name in sorted(outputs) if name.endswith("/pre")] == [
        "conv1/pre",
        "conv2/pre",
        "dense1/pre",
        "output/pre",
    ]
    for name in ("conv1", "conv2", "dense1"):
        assert (outputs[f"{name}/pre"] < 0).any()
        assert (np.maximum(outputs[f"{name}/pre"], 0) == outputs[name]).all()
    assert (outputs["logits"] == outputs["output/pre"]).all()


def test_weights_are_those_of_keras(exported: Exported) -> None:
    ours = exported.weights
    assert set(ours) == {
        f"{layer}/{what}"
        for layer in ("conv1", "conv2", "dense1", "output")
        for what in ("kernel", "bias")
    }
    for name, values in ours.items():
        layer, what = name.split("/")
        assert (values == getattr(exported.keras.get_layer(layer), what).numpy()).all()


def test_first_convolution_is_the_sum_over_its_window(exported: Exported) -> None:
    """One cell by hand, from the exported weights alone: window times kernel, plus bias."""
    weights, maps = exported.weights, exported.activations()["conv1/pre"]
    offset = 1 if exported.manifest.layers[0].padding == "SAME" else 0
    window = exported.images[2, 3:6, 4:7].astype(np.float64) / 255
    sums = (window[..., np.newaxis] * weights["conv1/kernel"]).sum(axis=(0, 1, 2))
    cell = maps[2, 3 + offset, 4 + offset]
    assert np.abs(cell - sums - weights["conv1/bias"]).max() <= 1e-5


def test_grad_cam_is_what_finite_differences_of_the_logit_give(exported: Exported) -> None:
    """The mean gradient of map k is the slope of the logit when the whole map k is raised."""
    index = np.array([2, 0], np.int32)
    heatmap = exported.run("grad_cam", images=exported.images[:2], index=index)["heatmap"]
    maps = _keras_outputs(exported.keras, exported.images[:2])["conv2"].astype(np.float64)
    cells = maps.shape[1] * maps.shape[2]
    slopes = np.stack(
        [_slopes(exported.keras, maps[i], int(one)) / cells for i, one in enumerate(index)]
    )
    expected = np.maximum((slopes[:, np.newaxis, np.newaxis] * maps).sum(axis=-1), 0)
    assert heatmap.shape == maps.shape[:3]
    assert heatmap.max() > 0
    assert np.abs(heatmap - expected).max() <= 1e-3 * expected.max()


def _slopes(model: Any, maps: NDArray[np.float64], index: int) -> NDArray[np.float64]:
    """∂logit/∂(every cell of map k together) for each k, by a central difference."""
    size, step = maps.shape[-1], 1e-7
    raised = maps[np.newaxis] + step * np.eye(size)[:, np.newaxis, np.newaxis]
    lowered = maps[np.newaxis] - step * np.eye(size)[:, np.newaxis, np.newaxis]
    difference = _logits_from_conv2(model, raised) - _logits_from_conv2(model, lowered)
    slopes: NDArray[np.float64] = difference[:, index] / (2 * step)
    return slopes


def _logits_from_conv2(model: Any, maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rest of the network after conv2 in float64 numpy: 2×2 max pool and two dense layers."""
    pool = model.get_layer("pool2")
    exact = tf.constant(maps, tf.float64)  # Keras makes float32 of what it is not told.
    values = tf.nn.max_pool2d(exact, 2, 2, pool.padding.upper()).numpy().reshape(len(maps), -1)
    hidden, last = model.get_layer("dense1"), model.get_layer("output")
    values = np.maximum(values @ hidden.kernel.numpy() + hidden.bias.numpy(), 0)
    logits: NDArray[np.float64] = values @ last.kernel.numpy() + last.bias.numpy()
    return logits


def test_grad_cam_of_a_dead_layer_is_zero_and_not_nan(tmp_path: Path) -> None:
    network = lecture.mnist_lecture_same(SHAPE, 3)
    network.get_layer("conv2").bias.assign(tf.fill((64,), -1000.0))
    write_model.export(
        from_keras.convert(network), tiny_dataset(SHAPE), {}, tmp_path / "dead" / "1"
    )
    run = tf.saved_model.load(str(tmp_path / "dead" / "1")).signatures["grad_cam"]
    heatmap = run(images=tf.zeros((1, *SHAPE), tf.uint8), index=tf.constant([1]))["heatmap"]
    assert (heatmap.numpy() == 0).all()


def test_masks_of_one_change_nothing_and_masks_of_zero_remove_the_maps(exported: Exported) -> None:
    outputs = exported.activations()
    whole = exported.run("ablation", images=exported.images, masks=np.ones(96, np.float32))
    assert (whole["probabilities"] == outputs["output"]).all()
    assert (whole["logits"] == outputs["logits"]).all()
    without = exported.run("ablation", images=exported.images, masks=np.zeros(96, np.float32))
    assert np.ptp(without["logits"], axis=0).max() <= 1e-6


def test_masks_follow_the_order_of_the_convolutions(exported: Exported) -> None:
    """With all 64 maps of conv2 set to zero, the output is that of the dense layers for zeros."""
    masks = np.r_[np.ones(32), np.zeros(64)].astype(np.float32)
    logits = exported.run("ablation", images=exported.images[:1], masks=masks)["logits"]
    conv2 = exported.keras.get_layer("conv2").output.shape[1:]
    expected = _logits_from_conv2(exported.keras, np.zeros((1, *conv2)))
    assert np.abs(logits - expected).max() <= 1e-5


def test_saved_model_holds_the_weights_and_no_more(exported: Exported) -> None:
    variables = exported.folder / "variables" / "variables.data-00000-of-00001"
    assert exported.manifest.parameters == exported.keras.count_params()
    assert variables.stat().st_size < 4 * exported.manifest.parameters + 10_000
