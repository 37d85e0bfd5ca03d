"""Terms of a sum become how far float32 may take it from the exact one."""

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**-24
"""Half the distance from 1 to the next float32: what one operation may lose, relatively."""


def of_sum(terms: NDArray[np.float64]) -> float:
    """The most that rounding can change Σ terms, each a product, in whatever order they are added.

    γₙ · Σ|term| with γₙ = n·u / (1 − n·u) and n = number of terms + 1 (Higham 2002, Accuracy and
    Stability of Numerical Algorithms, §3.1 and §4.2). Relative to a sum that cancels it is large.
    """
    n = (terms.size + 1) * UNIT
    return float(n / (1 - n) * np.abs(terms).sum())


def after(activation: str | None, before: float, bound: float) -> float:
    """The same behind an activation, whose slope is at most 1.13 (gelu's) and which rounds too."""
    if activation in (None, "relu"):
        return bound
    return 1.13 * bound + 16 * UNIT * max(1.0, abs(before))
