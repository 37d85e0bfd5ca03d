"""Float32 sums stay within the bound in any order of adding."""

import numpy as np
import pytest

from service.introspection import rounding


@pytest.mark.parametrize("size", [1, 9, 576, 3000])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_float32_stays_within_the_bound_in_any_order(size: int, shift: float) -> None:
    random = np.random.default_rng(size)
    a = random.uniform(-1, 1, size).astype(np.float32)
    b = random.uniform(shift - 1, 1, size).astype(np.float32)
    exact = a.astype(np.float64) * b
    bound = rounding.of_sum(exact)
    for _ in range(20):
        order = random.permutation(size)
        total = np.float32(0)
        for product in (a * b)[order]:
            total += product
        assert abs(float(total) - exact.sum()) <= bound
    assert bound <= (size + 2) * rounding.UNIT_ROUNDOFF * np.abs(exact).sum()


def test_bound_is_smaller_than_a_missing_term() -> None:
    """Although large terms cancel, leaving out the small one exceeds the bound."""
    terms = np.array([1.0, -1.0, 1e-6])
    assert rounding.of_sum(terms) < 1e-6


@pytest.mark.parametrize("name", ["silu", "gelu", "tanh", "sigmoid"])
def test_activation_that_rounds_widens_the_bound(name: str) -> None:
    assert rounding.after(name, 2.0, 1e-6) > 1e-6 == rounding.after("relu", 2.0, 1e-6)
