"""A request's model and the one input of it that the request is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.errors import Malformed, ServiceError, TooLarge
from service.images import multipart, tokens
from service.images.reader import ImageReader
from service.models.model import Model
from service.models.registry import Models

IMAGE_BODY = {
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
    """Register `endpoint` at `path`: GET for a linked image, POST for one in the body."""
    for method, extra in (("GET", None), ("POST", {"requestBody": IMAGE_BODY})):
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=name,
            response_model=None,
            responses=responses,
            openapi_extra=extra,
        )


class SubjectQuery(BaseModel):
    """The query parameters that choose the model and the image."""

    model: str | None = Field(None, description="Name of the model; without it, the default one.")
    version: int | None = Field(None, description="Version of the model; without it, the newest.")
    image: str | None = Field(
        None, description="Token of the image: `image` in an answer of `POST /predict`."
    )
    sample: str | None = Field(
        None, description="Name of a shipped picture, such as `7` or `frog`."
    )


def _query(name: str) -> Any:
    return Query(description=SubjectQuery.model_fields[name].description)


def model_of(request: Request, name: str | None, version: int | None) -> Model:
    """The loaded model; raises NotReady or NotFound as `Models.get` does."""
    models: Models = request.app.state.models
    return models.get(name, version)


async def subject_of(
    request: Request, model: Model, image: str | None, sample: str | None
) -> Subject:
    """The input that `request` is about: by its token, its sample, or the body of a POST.

    Raises Malformed for more than one of them, BadToken, NotFound, TooLarge, and what
    `ImageReader.read_files` raises or returns for the image.
    """
    reader: ImageReader = request.app.state.image_reader
    manifest = model.manifest
    sources = (request.method == "POST") + (image is not None) + (sample is not None)
    if sources > 1:
        raise Malformed("Name one picture: by `image`, by `sample`, or in the body of a POST.")
    if image is not None:
        return Subject(model, tokens.decode(image, manifest.input_shape), image)
    if request.method == "POST":
        files = await multipart.read(request, reader.settings)
        found = [one for _, one in await reader.read_files(files, manifest)]
        if len(found) > 1:
            raise TooLarge(f"This takes one image, not {len(found)}. Send them one by one.")
        if isinstance(found[0], ServiceError):
            raise found[0]
        pixels = found[0].pixels
    else:
        pixels = await reader.sample(sample, manifest)
    return Subject(model, pixels, tokens.encode(pixels))


# Async, since FastAPI runs plain functions on threads.
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
