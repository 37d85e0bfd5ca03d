"""The bytes of `{"b64": …}`, an image file or raw pixels, become a model's uint8 input."""

import numpy as np
from numpy.typing import NDArray

from service.errors import BadImage, Invalid, TooLarge, UnsupportedImage
from service.images.reader import ImageReader
from service.manifest import Manifest


async def pixels(
    reader: ImageReader, manifest: Manifest, data: bytes, number: int, waiting: int
) -> NDArray[np.uint8]:
    """Uint8 (h, w, c): an image file is prepared like an upload, h·w·c other bytes are the pixels.

    `waiting` is what `reader.waiting` was when the request arrived. Raises Busy if too many images
    wait, TooLarge for too large an image, Invalid for other bytes; both give the image's `number`.
    """
    try:
        return (await reader.read_image(data, manifest, waiting)).pixels
    except (BadImage, UnsupportedImage) as problem:
        if len(data) == int(np.prod(manifest.input_shape)):
            return np.frombuffer(data, np.uint8).reshape(manifest.input_shape)
        raise Invalid(f"Image {number}: {problem.detail}") from problem
    except TooLarge as problem:
        raise TooLarge(f"Image {number}: {problem.detail}") from problem
