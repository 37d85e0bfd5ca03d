"""A model and images become its named outputs: probabilities, logits, and every layer's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.errors import NotFound, TooLarge
from service.manifest import Manifest
from service.models.model import Model

PROBABILITIES = "probabilities"
LOGITS = "logits"

# How many images go through all layers at once: what is not asked for is let go in between.
CHUNK = 16

# Of one answer: 64 MiB as bytes, about 40 as JSON, which no other thread can run beside.
MOST_BINARY = 16 * 2**20
MOST_JSON = 2 * 2**20

Outputs = dict[str, NDArray[np.float32]]


def shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """Every output's shape without the batch axis, by name, as the signatures give them.

    `probabilities` first, then `logits`, then the layers in their order, and `<layer>/pre` for
    those with an activation of their own.
    """
    classes = (len(manifest.labels),)
    found: dict[str, tuple[int, ...]] = {PROBABILITIES: classes, LOGITS: classes}
    for layer in manifest.layers:
        found[layer.name] = layer.output_shape
        if layer.activation is not None:
            found[f"{layer.name}/pre"] = layer.output_shape
    return found


def check(manifest: Manifest, names: Sequence[str], images: int, most: int) -> None:
    """NotFound for a name that is no output, TooLarge for an answer of more than `most` values."""
    known = shapes(manifest)
    for name in names:
        if name not in known:
            raise NotFound(f"output of {manifest.name}", name, known)
    values = images * sum(int(np.prod(known[name])) for name in names)
    if values > most:
        raise TooLarge(
            f"The answer would have {values} values; at most {MOST_JSON} are sent at once as JSON"
            f" and {MOST_BINARY} as bytes by /v2. Ask for fewer outputs, or send fewer images."
        )


async def compute(model: Model, images: NDArray[np.uint8], names: Sequence[str]) -> Outputs:
    """The outputs `names`, float32 (n, …), of `images`, uint8 (n, h, w, c); see `check`.

    Probabilities alone come from the batch that other requests share.
    """
    classes = len(model.manifest.labels)
    if set(names) <= {PROBABILITIES}:
        rows = (await model.batcher(images))[:, :classes]
        return dict.fromkeys(names, rows)
    chunks = [
        await _layers(model, images[i : i + CHUNK], names) for i in range(0, len(images), CHUNK)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


async def _layers(model: Model, images: NDArray[np.uint8], names: Sequence[str]) -> Outputs:
    if len(images) == 1:  # What links to one image ask for again and again, and what is kept.
        kept = await model.activations(images[0])
        outputs = {name: values[np.newaxis] for name, values in kept.items()}
    else:
        outputs = dict(await model.outputs(images))
    outputs[PROBABILITIES] = outputs[model.manifest.layers[-1].name]
    return {name: outputs[name] for name in names}
