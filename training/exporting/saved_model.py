"""Layers become a TensorFlow module with the four signatures of a SavedModel."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from service.manifest import Layer
from training.exporting.calibration import Calibration, features, out_of_distribution_score
from training.networks.layers import ACTIVATIONS, ExportedLayer


class ExportedModel(tf.Module):  # type: ignore[misc]
    """A network that takes uint8 images (n, h, w, c) and scales them to 0..1 itself.

    `shape` is that of an image (h, w, c). A calibrated model divides its logits by a temperature
    and gives an out-of-distribution score.
    """

    def __init__(
        self,
        network: Sequence[ExportedLayer],
        shape: tuple[int, int, int],
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__()
        calibration = calibration or Calibration()
        self._temperature = calibration.temperature
        self._score_arrays = {
            name: tf.Variable(values, trainable=False, name=f"unfamiliar/{name}")
            for name, values in calibration.arrays.items()
        }
        self._layers = tuple(network)
        self._shape = shape
        self._weights = {
            layer.name: {
                what: tf.Variable(values, trainable=False, name=f"{layer.name}/{what}")
                for what, values in layer.weights.items()
            }
            for layer in network
        }
        self._convolutions = [layer for layer in network if layer.kind == "convolution"]

    def signatures(self) -> dict[str, Any]:
        """The concrete functions by signature name.

        A network without convolutions has neither `grad_cam` nor `ablation`.
        """
        images = tf.TensorSpec((None, *self._shape), tf.uint8, name="images")
        index = tf.TensorSpec((None,), tf.int32, name="index")
        maps = sum(layer.weights["kernel"].shape[-1] for layer in self._convolutions)
        masks = tf.TensorSpec((maps,), tf.float32, name="masks")
        functions = {
            "serving_default": tf.function(self.predict, [images]),
            "activations": tf.function(self.activations, [images]),
        }
        if self._convolutions:
            functions["grad_cam"] = tf.function(self.grad_cam, [images, index])
            functions["ablation"] = tf.function(self.ablation, [images, masks])
        return {name: function.get_concrete_function() for name, function in functions.items()}

    def layers(self) -> tuple[Layer, ...]:
        """The manifest's records of the layers, with their output shapes."""
        outputs = self.activations(tf.zeros((1, *self._shape), tf.uint8))
        return tuple(one.describe(outputs[one.name].shape[1:].as_list()) for one in self._layers)

    def predict(self, images: Any) -> dict[str, Any]:
        """`probabilities` (n, classes), and the score `unfamiliar` (n,) of a calibrated model.

        The score is the out-of-distribution score of `calibration.out_of_distribution_score`.
        """
        scaled = _scale(images)
        outputs = self._forward(scaled)
        answer = {"probabilities": outputs[self._layers[-1].name]}
        if self._score_arrays:
            found = features(self._layers, outputs, scaled)
            logits = self._logits(outputs)
            answer["unfamiliar"] = out_of_distribution_score(self._score_arrays, found, logits)
        return answer

    def features(self, images: Any) -> tuple[Any, Any]:
        """What a calibration is computed from: features (n, features) and logits (n, classes)."""
        scaled = _scale(images)
        outputs = self._forward(scaled)
        return features(self._layers, outputs, scaled), self._logits(outputs)

    def activations(self, images: Any) -> dict[str, Any]:
        """Each layer's output by name, `<layer>/pre` for it before the activation, and `logits`."""
        outputs = self._forward(_scale(images))
        return {**outputs, "logits": tf.identity(self._logits(outputs), name="logits")}

    def grad_cam(self, images: Any, index: Any) -> dict[str, Any]:
        """Grad-CAM: `heatmap` (n, h, w) of the last convolution for classes `index` (n,), int32.

        ReLU(Σ_k mean(∂logit/∂A_k) · A_k), Selvaraju et al. 2017. The map is not normalised, because
        its maximum can be zero.
        """
        scaled = _scale(images)
        with tf.GradientTape() as tape:
            tape.watch(scaled)
            outputs = self._forward(scaled)
            score = tf.gather(self._logits(outputs), index, axis=1, batch_dims=1)
        maps = outputs[self._convolutions[-1].name]  # (n, h, w, k)
        gradients = tape.gradient(score, maps)
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)  # (n, 1, 1, k)
        return {"heatmap": tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))}

    def ablation(self, images: Any, masks: Any) -> dict[str, Any]:
        """`probabilities` and `logits` (n, classes) with the maps of all convolutions scaled.

        `masks` (maps,) has one float32 factor for each map, in the order of the convolutions; 0
        removes a map.
        """
        sizes = [layer.weights["kernel"].shape[-1] for layer in self._convolutions]
        parts = tf.split(masks, sizes)
        by_name = {one.name: part for one, part in zip(self._convolutions, parts, strict=True)}
        outputs = self._forward(_scale(images), by_name)
        last = self._layers[-1].name
        return {
            "probabilities": outputs[last],
            "logits": tf.identity(self._logits(outputs), name="logits"),
        }

    def _forward(self, scaled: Any, masks: dict[str, Any] | None = None) -> dict[str, Any]:
        """The forward pass: each layer's output, and its value before the activation."""
        outputs: dict[str, Any] = {"images": scaled}
        for layer in self._layers:
            inputs = [outputs[name] for name in layer.inputs]
            with tf.name_scope(layer.name):
                value = layer.compute(inputs, self._weights[layer.name])
                if layer.activation is not None:
                    outputs[f"{layer.name}/pre"] = value
                    if layer is self._layers[-1] and self._temperature != 1.0:
                        value = value / self._temperature
                    value = ACTIVATIONS[layer.activation](value)
            if masks is not None and layer.name in masks:
                value = value * masks[layer.name]
            outputs[layer.name] = value
        del outputs["images"]
        return outputs

    def _logits(self, outputs: dict[str, Any]) -> Any:
        return outputs[f"{self._layers[-1].name}/pre"]


def _scale(images: Any) -> Any:
    with tf.name_scope("scale"):
        return tf.cast(images, tf.float32) / 255.0
