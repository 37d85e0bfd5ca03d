"""`GET`, `POST /layers/{name}/statistics`: each map on one image beside the whole test set."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from service.errors import WrongKind
from service.manifest import MapStatistics
from service.routes import answers, links
from service.routes.maps import Statistics, statistics
from service.routes.subject import ChosenSubject, add_for_image

router = APIRouter(tags=["maps"])


class MapRecord(BaseModel):
    """Statistics of one map on the image and over all test images.

    `dead` is true for a map that is zero on every test image.
    """

    index: int
    image: Statistics
    test: Statistics | None
    dead: bool | None


class LayerStatistics(BaseModel):
    """The statistics of a layer's maps; `test_images` is the number of images behind `test`."""

    model: str
    version: int
    layer: str
    image: str
    test_images: int
    maps: list[MapRecord]


async def layer_statistics(request: Request, subject: ChosenSubject, name: str) -> Response:
    """Share of zeros, minimum, maximum and mean of each map: tells "zero here" from "dead"."""
    model, manifest = subject.model, subject.model.manifest
    layer = model.layer(name)
    if links.kind_of_maps(layer) is None or len(layer.output_shape) != 3:
        raise WrongKind(
            f"{name} is a layer of kind {layer.kind.replace('_', ' ')} and has no maps."
        )
    tag = answers.etag(request, manifest.digest, subject.token)
    if (answer := answers.not_modified(request, tag)) is not None:
        return answer
    maps = (await model.activations(subject.pixels))[name]
    recorded = manifest.statistics.get(name)
    document = {
        "model": manifest.name,
        "version": manifest.version,
        "layer": name,
        "image": subject.token,
        "test_images": manifest.metrics.images,
        "maps": [
            {
                "index": index,
                "image": statistics(maps[..., index]),
                **_over_test_set(recorded, index),
            }
            for index in range(maps.shape[2])
        ],
    }
    return await answers.respond("json", tag, lambda: document)


add_for_image(
    router,
    "/layers/{name}/statistics",
    layer_statistics,
    answers.documented_json(LayerStatistics),
)


def _over_test_set(recorded: MapStatistics | None, index: int) -> dict[str, Any]:
    if recorded is None:
        return {"test": None, "dead": None}
    test = {
        "minimum": recorded.minimum[index],
        "maximum": recorded.maximum[index],
        "mean": recorded.mean[index],
        "zeros": recorded.zeros[index],
    }
    return {"test": test, "dead": recorded.zeros[index] == 1}
