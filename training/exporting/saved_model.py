"""Nodes become the module that is saved: one walk over the layers, four signatures from it."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from service.manifest import Layer
from training.exporting.calibration import Confidence, features, unfamiliar
from training.networks.layers import ACTIVATIONS, Node


class Bundle(tf.Module):  # type: ignore[misc]
    """A network whose input is uint8 `images` (n, h, w, c); scaling to 0..1 is part of it."""

    def __init__(
        self,
        nodes: Sequence[Node],
        shape: tuple[int, int, int],
        confidence: Confidence | None = None,
    ) -> None:
        super().__init__()
        confidence = confidence or Confidence()
        self._temperature = confidence.temperature
        self._known = {
            name: tf.Variable(values, trainable=False, name=f"unfamiliar/{name}")
            for name, values in confidence.arrays.items()
        }
        self._nodes = tuple(nodes)
        self._shape = shape
        self._weights = {
            node.name: {
                what: tf.Variable(values, trainable=False, name=f"{node.name}/{what}")
                for what, values in node.weights.items()
            }
            for node in nodes
        }
        self._convolutions = [node for node in nodes if node.kind == "convolution"]

    def signatures(self) -> dict[str, Any]:
        """The concrete functions by the name under which they are saved.

        A network without convolutions has no `grad_cam` and no `ablation`.
        """
        images = tf.TensorSpec((None, *self._shape), tf.uint8, name="images")
        index = tf.TensorSpec((None,), tf.int32, name="index")
        maps = sum(node.weights["kernel"].shape[-1] for node in self._convolutions)
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
        """The manifest's records, with the output shapes that one image gives."""
        outputs = self.activations(tf.zeros((1, *self._shape), tf.uint8))
        return tuple(node.describe(outputs[node.name].shape[1:].as_list()) for node in self._nodes)

    def predict(self, images: Any) -> dict[str, Any]:
        """`probabilities` (n, classes), and `unfamiliar` (n,) where it was calibrated."""
        scaled = _scale(images)
        outputs = self._walk(scaled)
        answer = {"probabilities": outputs[self._nodes[-1].name]}
        if self._known:
            found = features(self._nodes, outputs, scaled)
            answer["unfamiliar"] = unfamiliar(self._known, found, self._logits(outputs))
        return answer

    def features(self, images: Any) -> tuple[Any, Any]:
        """What confidence is calibrated on: the features (n, …) and logits (n, classes)."""
        scaled = _scale(images)
        outputs = self._walk(scaled)
        return features(self._nodes, outputs, scaled), self._logits(outputs)

    def activations(self, images: Any) -> dict[str, Any]:
        """Every layer's output, `<layer>/pre` before its activation, and `logits`."""
        outputs = self._walk(_scale(images))
        return {**outputs, "logits": tf.identity(self._logits(outputs), name="logits")}

    def grad_cam(self, images: Any, index: Any) -> dict[str, Any]:
        """`heatmap` (n, h, w) at the last convolution, for the logit of class `index` (n,).

        ReLU(Σ_k mean(∂logit/∂A_k) · A_k), Selvaraju et al. 2017, without a normalisation that
        would divide by zero.
        """
        scaled = _scale(images)
        with tf.GradientTape() as tape:
            tape.watch(scaled)
            outputs = self._walk(scaled)
            score = tf.gather(self._logits(outputs), index, axis=1, batch_dims=1)
        maps = outputs[self._convolutions[-1].name]  # (n, h, w, k)
        gradients = tape.gradient(score, maps)
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)  # (n, 1, 1, k)
        return {"heatmap": tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))}

    def ablation(self, images: Any, masks: Any) -> dict[str, Any]:
        """`probabilities` and `logits` with each convolution's maps multiplied by `masks`.

        `masks` holds one number a map, all convolutions in their order.
        """
        sizes = [node.weights["kernel"].shape[-1] for node in self._convolutions]
        parts = tf.split(masks, sizes)
        by_name = {node.name: part for node, part in zip(self._convolutions, parts, strict=True)}
        outputs = self._walk(_scale(images), by_name)
        last = self._nodes[-1].name
        return {
            "probabilities": outputs[last],
            "logits": tf.identity(self._logits(outputs), name="logits"),
        }

    def _walk(self, scaled: Any, masks: dict[str, Any] | None = None) -> dict[str, Any]:
        """The forward pass: every output by name, and what stood before an activation."""
        outputs: dict[str, Any] = {"images": scaled}
        for node in self._nodes:
            inputs = [outputs[name] for name in node.inputs]
            with tf.name_scope(node.name):
                value = node.compute(inputs, self._weights[node.name])
                if node.activation is not None:
                    outputs[f"{node.name}/pre"] = value
                    cooled = value / self._temperature if self._is_tempered(node) else value
                    value = ACTIVATIONS[node.activation](cooled)
            if masks is not None and node.name in masks:
                value = value * masks[node.name]
            outputs[node.name] = value
        del outputs["images"]
        return outputs

    def _is_tempered(self, node: Node) -> bool:
        return node is self._nodes[-1] and self._temperature != 1.0

    def _logits(self, outputs: dict[str, Any]) -> Any:
        return outputs[f"{self._nodes[-1].name}/pre"]


def _scale(images: Any) -> Any:
    with tf.name_scope("scale"):
        return tf.cast(images, tf.float32) / 255.0
