"""A cost and the gradient tape that recorded it become updated variables: Adam without Keras."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


class Adam(tf.Module):  # type: ignore[misc]
    """Adam (Kingma and Ba 2015), by the operation of the lecture's `tf.train.AdamOptimizer`.

    For a gradient g, m ← β₁m + (1 − β₁)g and v ← β₂v + (1 − β₂)g²; the variable changes by
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
        self._variables, self._rate = tuple(variables), rate
        self._hyperparameters = {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        with self.name_scope:
            self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False, name="iterations")
            self.means = [_zeros_like(one, "mean") for one in self._variables]
            self.squares = [_zeros_like(one, "square") for one in self._variables]

    @tf.Module.with_name_scope  # type: ignore[untyped-decorator]
    def minimize(self, cost: Any, tape: Any) -> None:
        """Update every variable once; `tape` recorded the computation of `cost`, a scalar."""
        gradients = tape.gradient(cost, self._variables)
        rate = self._rate(self.iterations) if callable(self._rate) else tf.constant(self._rate)
        done = tf.cast(self.iterations.assign_add(1), tf.float32)
        powers = {
            f"{name}_power": self._hyperparameters[name] ** done for name in ("beta1", "beta2")
        }
        for variable, mean, square, gradient in zip(
            self._variables, self.means, self.squares, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                lr=rate,
                **powers,
                **self._hyperparameters,
                grad=gradient,
                name=_name_for(variable, "update"),
            )


def _zeros_like(variable: Any, what: str) -> Any:
    return tf.Variable(
        lambda: tf.zeros(variable.shape), trainable=False, name=_name_for(variable, what)
    )


def _name_for(variable: Any, what: str) -> str:
    """A name that shows in the graph which variable it belongs to, such as conv1/kernel/update."""
    return f"{variable.name.partition(':')[0]}/{what}"
