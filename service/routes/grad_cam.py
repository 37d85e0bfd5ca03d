"""`GET`, `POST /grad-cam`: heatmaps of the parts of an image that raise a class's logit."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.responses import Response

from service.drawing.heatmaps import overlay
from service.errors import Invalid, NotFound
from service.introspection import occlusion
from service.routes import answers
from service.routes.subject import ChosenSubject, Subject, add_for_image

router = APIRouter(tags=["explanations"])

MAX_LABELS = 10

Method = Literal["grad-cam", "occlusion"]


class Heatmap(BaseModel):
    """How much each part of the image raises the logit of `label`: `values[row][column]`."""

    label: str
    index: int
    minimum: float
    maximum: float
    values: list[list[float]]


class Explanation(BaseModel):
    """Heatmaps of one image; `shape` is (height, width), `maximum` is over all of them."""

    model: str
    version: int
    method: Method
    image: str
    shape: tuple[int, int]
    maximum: float
    heatmaps: list[Heatmap]


async def grad_cam(
    request: Request,
    subject: ChosenSubject,
    label: Annotated[
        list[str] | None,
        Query(description="Class to explain; may be repeated. Without it, the predicted class."),
    ] = None,
    method: Annotated[
        Method,
        Query(
            description="`grad-cam`: gradients of the logit. `occlusion`: how far covering a patch"
            " of the image lowers the logit against the other classes."
        ),
    ] = "grad-cam",
    format: Annotated[
        str | None, Query(description="`json`, `png` or `npy`; overrides the `Accept` header.")
    ] = None,
) -> Response:
    """Heatmaps of classes: JSON, .npy, float32 (classes, height, width), or a PNG over the input.

    Grad-CAM (Selvaraju et al. 2017) on the last convolution, by the gradients of the logit before
    the softmax, or occlusion (Zeiler and Fergus 2014).
    """
    model, manifest = subject.model, subject.model.manifest
    indices = [_index(manifest.labels, one) for one in label or []]
    if len(indices) > MAX_LABELS:
        raise Invalid(f"`label` may be repeated up to {MAX_LABELS} times.")
    chosen = answers.choose_format(request, format, ("json", "png", "npy"))
    tag = answers.etag(request, manifest.digest, subject.token, chosen)
    if (answer := answers.not_modified(request, tag)) is not None:
        return answer
    if not indices:
        logits = (await model.activations(subject.pixels))["logits"]
        indices = [int(logits.argmax())]
    if method == "grad-cam":
        heatmaps = await model.grad_cam(subject.pixels, indices)
    else:
        heatmaps = await occlusion.explain(model, subject.pixels, indices)
    labels = [manifest.labels[index] for index in indices]
    encoders = {
        "json": lambda: _document(subject, method, indices, heatmaps),
        "png": lambda: overlay(subject.pixels, heatmaps, labels, f"{manifest.name} · {method}"),
        "npy": lambda: answers.npy(heatmaps),
    }
    return await answers.respond(chosen, tag, encoders[chosen])


add_for_image(router, "/grad-cam", grad_cam, answers.documented(Explanation))


def _index(labels: tuple[str, ...], label: str) -> int:
    if label not in labels:
        raise NotFound("label", label, labels)
    return labels.index(label)


def _document(
    subject: Subject, method: str, indices: list[int], heatmaps: NDArray[np.float32]
) -> dict[str, Any]:
    manifest = subject.model.manifest
    return {
        "model": manifest.name,
        "version": manifest.version,
        "method": method,
        "image": subject.token,
        "shape": heatmaps.shape[1:],
        "maximum": float(heatmaps.max()),
        "heatmaps": [
            {
                "label": manifest.labels[index],
                "index": index,
                "minimum": float(heat.min()),
                "maximum": float(heat.max()),
                "values": np.ascontiguousarray(heat),
            }
            for index, heat in zip(indices, heatmaps, strict=True)
        ],
    }
