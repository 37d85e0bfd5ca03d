"""Terms of a sum become a bound on the rounding error that float32 makes in it."""

import numpy as np
from numpy.typing import NDArray

UNIT_ROUNDOFF = 2.0**-24
"""The unit roundoff u of float32: the largest relative error of one operation."""


def of_sum(terms: NDArray[np.float64]) -> float:
    """The largest absolute error of Σ `terms`, each a product, added in any order.

    γₙ · Σ|term| with γₙ = n·u / (1 − n·u) and n = number of terms + 1 (Higham 2002, Accuracy and
    Stability of Numerical Algorithms, §3.1 and §4.2). If terms cancel, it is large beside the sum.
    """
    n = (terms.size + 1) * UNIT_ROUNDOFF
    return float(n / (1 - n) * np.abs(terms).sum())


def after(activation: str | None, before: float, bound: float) -> float:
    """The largest absolute error after `activation`, from the sum `before` it and its `bound`.

    The steepest slope of an activation is gelu's, 1.13; other activations than relu round as well.
    """
    if activation in (None, "relu"):
        return bound
    return 1.13 * bound + 16 * UNIT_ROUNDOFF * max(1.0, abs(before))
