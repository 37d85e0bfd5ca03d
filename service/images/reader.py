"""An upload becomes a model's input: header, decoding, preparation; none is done twice.

Two kinds of bytes need no decoder for images of any kind: an .npy array, and a PNG of exactly the
model's shape that looks like a training image. Of all others the header is read first, within
limits; small ones are then decoded on the event loop, larger ones on threads.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import Busy, ServiceError, TooLarge
from service.images import npy, samples
from service.images.decode import Limits, decode, decode_exact_png, open_image
from service.images.multipart import Upload
from service.images.prepare import Prepared, as_trained, prepare
from service.manifest import Manifest
from service.settings import Settings

DECODE_INLINE_PIXELS = 64 * 64
"""Up to this many pixels, decoding takes less time than handing the image to a thread."""

DECODE_THREADS = 2
MOST_WAITING = 8
"""Most images that may wait for the decode threads; further requests get Busy."""

ARRAY_STEPS = ("came as an array of the model's shape: unchanged",)


def read(data: bytes, manifest: Manifest, limits: Limits) -> Prepared:
    """What the model of `manifest` sees of the image file `data`, all on the caller's thread.

    Raises TooLarge, UnsupportedImage or BadImage.
    """
    unchanged = read_trained_png(data, manifest, limits)
    return unchanged or decode_and_prepare(open_image(data, limits), manifest)


def read_trained_png(data: bytes, manifest: Manifest, limits: Limits) -> Prepared | None:
    """The model's input from a PNG that is already like the training images; otherwise None."""
    if len(data) > limits.bytes:
        return None
    pixels = decode_exact_png(data, manifest.input_shape)
    if pixels is None:
        return None
    return as_trained(pixels, manifest.preparation, manifest.input_shape)


def decode_and_prepare(image: Image.Image, manifest: Manifest) -> Prepared:
    """The model's input from an image whose header `open_image` has read; raises BadImage."""
    return prepare(decode(image), manifest.preparation, manifest.input_shape)


class ImageReader:
    """Reads uploads for all requests of a worker; owns the threads that decode large images."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.waiting = 0
        """Images that were handed to the decode threads and are not prepared yet."""
        self._limits = Limits(settings.max_image_bytes, settings.max_image_pixels)
        self._executor = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        # Bounded by the number of samples that ship: unknown names raise before they are kept.
        self._samples: dict[tuple[object, ...], NDArray[np.uint8]] = {}

    async def read_files(
        self, files: Sequence[Upload], manifest: Manifest
    ) -> list[tuple[str | None, Prepared | ServiceError]]:
        """The name and the model's input of every image in `files`, or why there is none.

        An .npy file may hold many images. Raises TooLarge when there are more images than the
        limit, and Busy when too many images of other requests wait for the decode threads.
        """
        waiting = self.waiting
        opened = [self._open(file.data, manifest) for file in files]
        if any(isinstance(one, Image.Image) for one in opened):
            opened = await asyncio.gather(
                *(self._finish_or_refuse(one, manifest, waiting) for one in opened)
            )
        images = [
            (file.filename, one)
            for file, found in zip(files, opened, strict=True)
            if not isinstance(found, Image.Image)
            for one in found
        ]
        if len(images) > self.settings.max_images:
            raise TooLarge(f"The request has more than {self.settings.max_images} images.")
        return images

    async def read_image(self, data: bytes, manifest: Manifest, waiting: int = 0) -> Prepared:
        """The input of the model of `manifest` that the image file `data` becomes.

        `waiting` is the number of images of other requests that waited for the threads when this
        request came. Raises Busy from MOST_WAITING up, and TooLarge, UnsupportedImage or BadImage.
        """
        return await self._finish(self._open_image(data, manifest), manifest, waiting)

    async def sample(self, name: str | None, manifest: Manifest) -> NDArray[np.uint8]:
        """The input, uint8 (h, w, c), made from the shipped sample `name`; None for the first.

        Raises NotFound for a name that does not ship.
        """
        if name is None:
            name = samples.names(manifest.preparation)[0]
        key = (manifest.preparation, manifest.input_shape, name)
        if key not in self._samples:
            data = samples.data(manifest.preparation, name)
            self._samples[key] = (await self.read_image(data, manifest)).pixels
        return self._samples[key]

    def close(self) -> None:
        """Stop the decode threads; images that still wait are dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _open(
        self, data: bytes, manifest: Manifest
    ) -> Sequence[Prepared | ServiceError] | Image.Image:
        """The images of one file, or the one image with its header read that a thread decodes."""
        try:
            if data.startswith(npy.MAGIC):
                stack = npy.stack(data, manifest.input_shape, self.settings.max_images)
                return [Prepared(pixels, ARRAY_STEPS) for pixels in stack]
            opened = self._open_image(data, manifest)
        except ServiceError as problem:
            return [problem]
        return opened if isinstance(opened, Image.Image) else [opened]

    def _open_image(self, data: bytes, manifest: Manifest) -> Prepared | Image.Image:
        if (unchanged := read_trained_png(data, manifest, self._limits)) is not None:
            return unchanged
        image = open_image(data, self._limits)
        if image.width * image.height > DECODE_INLINE_PIXELS:
            return image
        return decode_and_prepare(image, manifest)

    async def _finish_or_refuse(
        self,
        opened: Sequence[Prepared | ServiceError] | Image.Image,
        manifest: Manifest,
        waiting: int,
    ) -> Sequence[Prepared | ServiceError]:
        """`opened` with its image decoded; an image that cannot be read becomes its error."""
        if not isinstance(opened, Image.Image):
            return opened
        try:
            return [await self._finish(opened, manifest, waiting)]
        except Busy:
            raise
        except ServiceError as problem:
            return [problem]

    async def _finish(
        self, opened: Prepared | Image.Image, manifest: Manifest, waiting: int
    ) -> Prepared:
        if isinstance(opened, Prepared):
            return opened
        if waiting >= MOST_WAITING:
            raise Busy(f"{waiting} images wait to be decoded. Send this again in a second.")
        loop = asyncio.get_running_loop()
        self.waiting += 1
        try:
            return await loop.run_in_executor(self._executor, decode_and_prepare, opened, manifest)
        finally:
            self.waiting -= 1
