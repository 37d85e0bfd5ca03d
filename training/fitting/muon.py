"""Gradients of convolution kernels become orthogonalised updates: the optimizer Muon.

Jordan et al. (2024), as in their airbench94_muon: the momentum of a kernel, reshaped to a matrix,
is replaced by the nearest matrix with orthonormal columns, and the kernel's norm is kept constant.
The learning rate is then the angle of a step, independent of the scale of kernel and gradient. The
norm can be constant because batch normalisation follows each convolution. All other weights are
updated by Adam.
"""

import math
from typing import Any

import keras
from keras import ops

ADAM = 0.03
"""Adam's learning rate as a share of Muon's."""


class Muon(keras.optimizers.Muon):  # type: ignore[misc]
    """Keras' Muon, which updates matrices only, for kernels (h, w, input channels, maps).

    It overrides two private methods of Keras' class.
    """

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
        nesterov = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        step = ops.reshape(
            self.zeropower_via_newtonschulz5(nesterov, self.ns_steps), variable.shape
        )
        norm = math.sqrt(variable.shape[-1])
        kernel = variable * (norm / ops.sqrt(ops.sum(ops.square(variable))))
        self.assign(variable, kernel - ops.cast(lr, variable.dtype) * step)
