"""Names of maps, such as `conv2:13`, become the mask that sets these maps to zero."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.errors import Invalid, NotFound, WrongKind
from service.models.model import Model

MAX_NAMES = 4096


def masks(model: Model, names: Sequence[str]) -> NDArray[np.float32]:
    """Float32 (maps,) over the maps of all convolutions in their order: 0 if named, else 1.

    Raises Invalid for a name that is not `layer:map` or more than MAX_NAMES names, NotFound for an
    unknown layer or map, WrongKind for a layer that is no convolution, or a model without any.
    """
    if not model.manifest.convolutions:
        raise WrongKind(f"{model.manifest.name} has no convolution whose maps could be zero.")
    if len(names) > MAX_NAMES:
        raise Invalid(f"`zero` may name up to {MAX_NAMES} maps.")
    starts, total = {}, 0
    for layer in model.manifest.convolutions:
        starts[layer.name] = total
        total += layer.output_shape[-1]
    kept = np.ones(total, np.float32)
    for name in names:
        layer_name, _, index = name.rpartition(":")
        if not index.isdecimal() or len(index) > 9:
            raise Invalid(f"`zero` takes a layer and a map, such as conv2:13, not {name[:80]!r}.")
        layer = model.layer(layer_name)
        if layer.name not in starts:
            raise WrongKind(
                f"{layer.name} is no convolution layer; these are: {', '.join(starts)}."
            )
        if int(index) >= layer.output_shape[-1]:
            raise NotFound(f"map of {layer.name}", index, [f"0 to {layer.output_shape[-1] - 1}"])
        kept[starts[layer.name] + int(index)] = 0
    return kept
