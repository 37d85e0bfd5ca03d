"""No order of adding in float32 leaves the bound."""

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
    assert bound <= (size + 2) * rounding.UNIT * np.abs(exact).sum()


def test_a_wrong_number_is_out_of_bounds() -> None:
    """What cancels may be off relatively; a term left out is noticed all the same."""
    terms = np.array([1.0, -1.0, 1e-6])
    assert rounding.of_sum(terms) < 1e-6


@pytest.mark.parametrize("name", ["silu", "gelu", "tanh", "sigmoid"])
def test_an_activation_widens_the_bound(name: str) -> None:
    assert rounding.after(name, 2.0, 1e-6) > 1e-6 == rounding.after("relu", 2.0, 1e-6)
