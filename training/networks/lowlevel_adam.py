"""Adam without Keras: a cost and the tape that saw it become new values of the variables."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


class Adam(tf.Module):  # type: ignore[misc]
    """Kingma and Ba 2015, by the op that `tf.train.AdamOptimizer` ran in the lecture's TensorFlow.

    m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², and a variable moves by
    −rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε). `rate` is a number or a function of the step,
    counted from 0.
    """

    def __init__(
        self,
        variables: Sequence[Any],
        rate: float | Callable[[Any], Any],
        name: str = "optimizer",
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(name)
        self._targets, self._rate = tuple(variables), rate
        self._constants = {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        with self.name_scope:
            self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False, name="iterations")
            self.means = [_zeros_like(one, "mean") for one in self._targets]
            self.squares = [_zeros_like(one, "square") for one in self._targets]

    @tf.Module.with_name_scope  # type: ignore[untyped-decorator]
    def minimize(self, cost: Any, tape: Any) -> None:
        """One step of every variable against its gradient."""
        gradients = tape.gradient(cost, self._targets)
        rate = self._rate(self.iterations) if callable(self._rate) else tf.constant(self._rate)
        done = tf.cast(self.iterations.assign_add(1), tf.float32)
        powers = {f"{name}_power": self._constants[name] ** done for name in ("beta1", "beta2")}
        for target, mean, square, gradient in zip(
            self._targets, self.means, self.squares, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=target.handle,
                m=mean.handle,
                v=square.handle,
                lr=rate,
                **powers,
                **self._constants,
                grad=gradient,
                name=_under(target, "update"),
            )


def _zeros_like(variable: Any, what: str) -> Any:
    return tf.Variable(
        lambda: tf.zeros(variable.shape), trainable=False, name=_under(variable, what)
    )


def _under(variable: Any, what: str) -> str:
    """A name that tells in the graph which variable it belongs to."""
    return f"{variable.name.partition(':')[0]}/{what}"
