"""Gradients become steps of one size in all directions: Muon for convolutions.

Jordan et al. 2024, as in their airbench94_muon: the momentum of a kernel, laid out as a matrix, is
replaced by the nearest matrix whose columns are orthonormal, and the kernel keeps its length. The
rate then is the angle of a step, whatever the scale of kernel and gradient; the normalisation
behind the convolution makes the length of a kernel mean nothing. All other weights go by Adam.
"""

import math
from typing import Any

import keras
from keras import ops

ADAM = 0.03
"""Adam's rate as a share of the kernels'."""


class Muon(keras.optimizers.Muon):  # type: ignore[misc]
    """Keras' Muon, which takes matrices alone, for kernels (h, w, channels in, maps out)."""

    def __init__(self, learning_rate: Any, weight_decay: float | None = None) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            adam_weight_decay=weight_decay,
            adam_lr_ratio=ADAM,
            momentum=0.85,
            ns_steps=3,
        )

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign(m, self.momentum * m + gradient)
        ahead = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        step = ops.reshape(self.zeropower_via_newtonschulz5(ahead, self.ns_steps), variable.shape)
        length = math.sqrt(variable.shape[-1])
        kernel = variable * (length / ops.sqrt(ops.sum(ops.square(variable))))
        self.assign(variable, kernel - ops.cast(lr, variable.dtype) * step)
