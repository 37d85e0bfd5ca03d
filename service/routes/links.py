"""Where to look next: the addresses that belong to a model, a layer or an image."""

from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from service.errors import WrongKind
from service.manifest import POOLING, Layer, Manifest
from service.models.model import Model

MAPS = "feature-maps"
POOLED = "pooled-maps"

_FOR_IMAGES: WeakKeyDictionary[Model, dict[str, str]] = WeakKeyDictionary()


def kind_of_maps(layer: Layer) -> str | None:
    """`feature-maps`, `pooled-maps`, or None for a layer whose output is not a stack of maps."""
    if layer.kind in POOLING:
        return POOLED
    return MAPS if len(layer.output_shape) == 3 else None


def for_images(model: Model) -> dict[str, str]:
    """`feature_maps` and `pooled_maps` of any image of `model`: the caller appends its token.

    Each is the first layer of its kind. Kept for as long as the model is loaded.
    """
    if (links := _FOR_IMAGES.get(model)) is None:
        links = _FOR_IMAGES[model] = _first_maps(model.manifest)
    return links


def _first_maps(manifest: Manifest) -> dict[str, str]:
    query = urlencode({"model": manifest.name, "version": manifest.version, "image": ""})
    found: dict[str, str] = {}
    for layer in manifest.layers:
        if (kind := kind_of_maps(layer)) is not None:
            found.setdefault(kind.replace("-", "_"), f"/layers/{layer.name}/{kind}?{query}")
    return found


def of_layer(manifest: Manifest, layer: Layer) -> dict[str, str]:
    """The addresses of one layer, for the model's first sample."""
    query = urlencode({"model": manifest.name, "version": manifest.version})
    found = {"self": f"/layers/{layer.name}?{query}"}
    if (kind := kind_of_maps(layer)) is not None:
        found[kind.replace("-", "_")] = f"/layers/{layer.name}/{kind}?{query}"
    return found


def layer_of(manifest: Manifest, layer: Layer, wanted: str) -> Layer:
    """`layer` if its maps are of the kind `wanted`, or the pooling layer that it feeds.

    Raises WrongKind, with the right address, for any other.
    """
    kind = kind_of_maps(layer)
    if kind == wanted:
        return layer
    if wanted == POOLED and (pooling := _pooling_after(manifest, layer)) is not None:
        return pooling
    described = f"{layer.name} is a layer of kind {layer.kind.replace('_', ' ')}"
    if kind is None:
        with_maps = [one.name for one in manifest.layers if kind_of_maps(one) == wanted]
        raise WrongKind(
            f"{described} and has no {wanted.replace('-', ' ')}; these have: "
            f"{', '.join(with_maps) or 'none'}."
        )
    url = f"/layers/{layer.name}/{kind}"
    raise WrongKind(f"{described}; its maps are at {url}.", url=url)


def _pooling_after(manifest: Manifest, layer: Layer) -> Layer | None:
    """The pooling layer that `layer` feeds, straight or through layers without a window."""
    reached = {layer.name}
    for one in manifest.layers:
        if reached.isdisjoint(one.inputs):
            continue
        if one.kind in POOLING:
            return one
        if one.kind in ("activation", "batch_normalization", "dropout"):
            reached.add(one.name)
    return None
