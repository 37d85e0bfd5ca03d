"""A model and images become named outputs: probabilities, logits and the layers' outputs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.errors import NotFound, TooLarge
from service.manifest import Manifest
from service.models.model import Model

PROBABILITIES = "probabilities"
LOGITS = "logits"

CHUNK = 16
"""Images in one pass through all layers: outputs not asked for are freed after each pass."""

MAX_BINARY_VALUES = 16 * 2**20
"""Values in one answer as bytes: 64 MiB."""
MAX_JSON_VALUES = 2 * 2**20
"""Values in one answer as JSON: about 40 MiB, during whose encoding no other thread runs."""

Outputs = dict[str, NDArray[np.float32]]


def shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """Every output's shape without the batch axis, by name, as the model's signatures have them.

    `probabilities` first, then `logits`, then the layers in order, each with an activation followed
    by `<layer>/pre`, its output before the activation.
    """
    classes = (len(manifest.labels),)
    found: dict[str, tuple[int, ...]] = {PROBABILITIES: classes, LOGITS: classes}
    for layer in manifest.layers:
        found[layer.name] = layer.output_shape
        if layer.activation is not None:
            found[f"{layer.name}/pre"] = layer.output_shape
    return found


def check(manifest: Manifest, names: Sequence[str], images: int, most: int) -> None:
    """Raise NotFound for a name that is no output, TooLarge for more than `most` values.

    The answer holds the outputs `names` of `images` images.
    """
    known = shapes(manifest)
    for name in names:
        if name not in known:
            raise NotFound(f"output of {manifest.name}", name, known)
    values = images * sum(int(np.prod(known[name])) for name in names)
    if values > most:
        raise TooLarge(
            f"The answer would have {values} values; at most {MAX_JSON_VALUES} are sent at once as"
            f" JSON and {MAX_BINARY_VALUES} as bytes by /v2. Ask for fewer outputs, or send fewer"
            " images."
        )


async def compute(model: Model, images: NDArray[np.uint8], names: Sequence[str]) -> Outputs:
    """The outputs `names`, float32 (n, …), of `images`, uint8 (n, h, w, c).

    Call `check` first. Probabilities alone are computed in a batch with other requests.
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
    if len(images) == 1:  # The model keeps the outputs of single images for later requests.
        kept = await model.activations(images[0])
        outputs = {name: values[np.newaxis] for name, values in kept.items()}
    else:
        outputs = dict(await model.outputs(images))
    outputs[PROBABILITIES] = outputs[model.manifest.layers[-1].name]
    return {name: outputs[name] for name in names}
