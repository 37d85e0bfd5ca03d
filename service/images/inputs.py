"""The bytes of an image file become a model's input: the whole way, in one place."""

from PIL import Image

from service.images import decode
from service.images import prepare as preparation
from service.images.prepare import Prepared
from service.manifest import Manifest


def read(data: bytes, manifest: Manifest, limits: decode.Limits) -> Prepared:
    """What the model of `manifest` sees of the image file `data`.

    Raises what `images.inspect` and `images.decode` raise.
    """
    return read_plain(data, manifest) or prepare(decode.inspect(data, limits), manifest)


def read_plain(data: bytes, manifest: Manifest) -> Prepared | None:
    """The same for a PNG of an image like those that the model was trained on; else None."""
    pixels = decode.plain(data, manifest.input_shape)
    if pixels is None:
        return None
    return preparation.as_trained(pixels, manifest.preparation, manifest.input_shape)


def prepare(image: Image.Image, manifest: Manifest) -> Prepared:
    """The same for an image that `images.inspect` let pass."""
    picture = decode.decode(image)
    return preparation.prepare(picture, manifest.preparation, manifest.input_shape)
