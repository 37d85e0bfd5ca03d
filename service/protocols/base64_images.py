"""The bytes of `{"b64": …}` become a model's input: those of an image file, or its very pixels."""

import numpy as np
from numpy.typing import NDArray

from service.errors import BadImage, Invalid, TooLarge, UnsupportedImage
from service.images.reader import ImageReader
from service.manifest import Manifest


async def pixels(
    reader: ImageReader, manifest: Manifest, data: bytes, number: int, waiting: int
) -> NDArray[np.uint8]:
    """Uint8 (h, w, c): an image file is prepared like an upload, h·w·c bytes are taken as they are.

    `waiting` is `reader.waiting` when the request came. Raises Busy, and Invalid or TooLarge with
    the image's `number` and a sentence for anything else.
    """
    try:
        return (await reader.read_image(data, manifest, waiting)).pixels
    except (BadImage, UnsupportedImage) as problem:
        if len(data) == int(np.prod(manifest.input_shape)):
            return np.frombuffer(data, np.uint8).reshape(manifest.input_shape)
        raise Invalid(f"Image {number}: {problem.detail}") from problem
    except TooLarge as problem:
        raise TooLarge(f"Image {number}: {problem.detail}") from problem
