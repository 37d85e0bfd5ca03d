"""What a request points at: a model, and the one input of that model it is about."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.errors import Busy, Malformed, ServiceError, TooLarge
from service.images import decode, inputs, multipart, npy, samples, tokens
from service.images.multipart import Upload
from service.images.prepare import Prepared
from service.manifest import Manifest
from service.models.registry import Model, Models
from service.settings import Settings

BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [multipart.FIELD],
                "properties": {
                    multipart.FIELD: {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": "One or many images; the field may be repeated.",
                    }
                },
            }
        },
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "application/x-npy": {"schema": {"type": "string", "format": "binary"}},
    },
}

# Up to this many pixels, decoding takes less time than the hop to another thread.
SMALL = 64 * 64

# Images that wait for the threads when a request comes: what two threads decode in about the time
# that one of them takes for ten.
MOST_AHEAD = 8

AS_AN_ARRAY = ("came as an array of the model's shape: unchanged",)


class Intake:
    """Turns uploads into model inputs; large ones on threads of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._limits = decode.Limits(settings.max_image_bytes, settings.max_image_pixels)
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="decode")
        self.on_threads = 0
        # As many as ship: a name that does not exist is never kept.
        self._samples: dict[tuple[object, ...], NDArray[np.uint8]] = {}

    async def inputs(
        self, files: Sequence[Upload], manifest: Manifest
    ) -> list[tuple[str | None, Prepared | ServiceError]]:
        """The name and the model's input of every image in `files`, or why there is none.

        An .npy file may hold many images. Raises TooLarge when there are more than the limit, and
        Busy where too many images wait for the threads already.
        """
        read = [self._at_once(file, manifest) for file in files]
        if any(images is None for images in read):
            ahead = self.on_threads
            tasks = (
                self._later(file, manifest, ahead)
                for file, images in zip(files, read, strict=True)
                if images is None
            )
            later = iter(await asyncio.gather(*tasks))
            read = [next(later) if images is None else images for images in read]
        named = [
            (file.filename, one)
            for file, some in zip(files, read, strict=True)
            for one in some or ()
        ]
        if len(named) > self.settings.max_images:
            raise TooLarge(f"The request has more than {self.settings.max_images} images.")
        return named

    def _at_once(
        self, file: Upload, manifest: Manifest
    ) -> Sequence[Prepared | ServiceError] | None:
        """What needs no decoder for all kinds of files: arrays, and PNGs like the training's."""
        if file.data.startswith(npy.MAGIC):
            try:
                stack = npy.stack(file.data, manifest.input_shape, self.settings.max_images)
            except ServiceError as problem:
                return [problem]
            return [Prepared(pixels, AS_AN_ARRAY) for pixels in stack]
        plain = inputs.read_plain(file.data, manifest)
        return None if plain is None else [plain]

    async def _later(
        self, file: Upload, manifest: Manifest, ahead: int
    ) -> Sequence[Prepared | ServiceError]:
        try:
            return [await self.prepare(file.data, manifest, ahead)]
        except Busy:
            raise
        except ServiceError as problem:
            return [problem]

    async def prepare(self, data: bytes, manifest: Manifest, ahead: int = 0) -> Prepared:
        """The input of the model of `manifest` that the image file `data` becomes.

        `ahead` images, of other requests, wait for the threads; Busy where those are too many.
        """
        if (plain := inputs.read_plain(data, manifest)) is not None:
            return plain
        image = decode.inspect(data, self._limits)
        if image.width * image.height <= SMALL:
            return inputs.prepare(image, manifest)
        if ahead >= MOST_AHEAD:
            raise Busy(f"{ahead} images wait to be decoded. Send this again in a second.")
        loop = asyncio.get_running_loop()
        self.on_threads += 1
        try:
            return await loop.run_in_executor(self._executor, inputs.prepare, image, manifest)
        finally:
            self.on_threads -= 1

    async def sample(self, name: str | None, manifest: Manifest) -> NDArray[np.uint8]:
        """The input made from the shipped picture `name`, or from the first for None."""
        if name is None:
            name = samples.names(manifest.preparation)[0]
        key = (manifest.preparation, manifest.input_shape, name)
        if key not in self._samples:
            data = samples.data(manifest.preparation, name)
            self._samples[key] = (await self.prepare(data, manifest)).pixels
        return self._samples[key]

    def close(self) -> None:
        """Let the threads go."""
        self._executor.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and one of its inputs, uint8 (h, w, c), with its token."""

    model: Model
    pixels: NDArray[np.uint8]
    token: str


def add_for_image(
    router: APIRouter,
    path: str,
    endpoint: Callable[..., Any],
    responses: dict[int | str, dict[str, Any]],
    name: str | None = None,
) -> None:
    """Let `endpoint` answer GET for a linked image and POST for one in the request."""
    for method, extra in (("GET", None), ("POST", {"requestBody": BODY})):
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=name,
            response_model=None,
            responses=responses,
            openapi_extra=extra,
        )


class Asked(BaseModel):
    """What a request may say of the model and the image that it is about."""

    model: str | None = Field(None, description="Name of the model; without it, the default one.")
    version: int | None = Field(None, description="Version of the model; without it, the newest.")
    image: str | None = Field(
        None, description="Token of the image: `image` in an answer of `POST /predict`."
    )
    sample: str | None = Field(
        None, description="Name of a shipped picture, such as `7` or `frog`."
    )


def _query(name: str) -> Any:
    return Query(description=Asked.model_fields[name].description)


def model_of(request: Request, name: str | None, version: int | None) -> Model:
    """What `Models.get` says of them."""
    models: Models = request.app.state.models
    return models.get(name, version)


async def subject_of(
    request: Request, model: Model, image: str | None, sample: str | None
) -> Subject:
    """The input that `request` is about: by its token, by its sample, or in a POST's body."""
    intake: Intake = request.app.state.intake
    manifest = model.manifest
    sources = (request.method == "POST") + (image is not None) + (sample is not None)
    if sources > 1:
        raise Malformed("Name one picture: by `image`, by `sample`, or in the body of a POST.")
    if image is not None:
        return Subject(model, tokens.decode(image, manifest.input_shape), image)
    if request.method == "POST":
        files = await multipart.read(request, intake.settings)
        found = [one for _, one in await intake.inputs(files, manifest)]
        if len(found) > 1:
            raise TooLarge(f"This takes one image, not {len(found)}. Send them one by one.")
        if isinstance(found[0], ServiceError):
            raise found[0]
        pixels = found[0].pixels
    else:
        pixels = await intake.sample(sample, manifest)
    return Subject(model, pixels, tokens.encode(pixels))


# Not async, FastAPI would run them on threads.
async def _model(
    request: Request,
    model: Annotated[str | None, _query("model")] = None,
    version: Annotated[int | None, _query("version")] = None,
) -> Model:
    return model_of(request, model, version)


ChosenModel = Annotated[Model, Depends(_model)]


async def _subject(
    request: Request,
    model: ChosenModel,
    image: Annotated[str | None, _query("image")] = None,
    sample: Annotated[str | None, _query("sample")] = None,
) -> Subject:
    return await subject_of(request, model, image, sample)


ChosenSubject = Annotated[Subject, Depends(_subject)]
