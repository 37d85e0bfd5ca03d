"""Numbers at one place of other maps become their sum, or what an activation makes of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.introspection import cells, rounding

KINDS = frozenset({"add", "activation", "dropout"})


def explain(values: Mapping[str, float], activation: str | None, found: float) -> dict[str, Any]:
    """Σ values, by the name of the layer each comes from, and what the activation makes of it."""
    before = sum(values.values())
    value = cells.ACTIVATIONS[activation](before)
    bound = rounding.of_sum(np.array(list(values.values()))) if len(values) > 1 else 0.0
    return {
        "terms": [{"layer": layer, "value": value} for layer, value in values.items()],
        "pre": before,
        "activation": activation,
        "value": value,
        "model_value": found,
        "difference": abs(value - found),
        "bound": rounding.after(activation, before, bound),
    }
