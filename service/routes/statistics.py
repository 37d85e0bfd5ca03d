"""What each map of a layer does on this image, beside what it did on all test images."""

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
    """`test` is over all test images; `dead` is a map that was zero on every one of them."""

    index: int
    image: Statistics
    test: Statistics | None
    dead: bool | None


class LayerStatistics(BaseModel):
    """The maps of a layer; `test_images` says how many images `test` is over."""

    model: str
    version: int
    layer: str
    image: str
    test_images: int
    maps: list[MapRecord]


async def layer_statistics(request: Request, subject: ChosenSubject, name: str) -> Response:
    """Share of zeros, minimum, maximum and mean per map: "zero here" and "dead" told apart."""
    model, manifest = subject.model, subject.model.manifest
    layer = model.layer(name)
    if links.kind_of_maps(layer) is None or len(layer.output_shape) != 3:
        raise WrongKind(f"{name} is a layer of kind {layer.kind} and has no maps.")
    tag = answers.etag(request, manifest.digest, subject.token)
    if (answer := answers.unchanged(request, tag)) is not None:
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
                **_over_the_test_set(recorded, index),
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


def _over_the_test_set(recorded: MapStatistics | None, index: int) -> dict[str, Any]:
    if recorded is None:
        return {"test": None, "dead": None}
    test = {
        "minimum": recorded.minimum[index],
        "maximum": recorded.maximum[index],
        "mean": recorded.mean[index],
        "zeros": recorded.zeros[index],
    }
    return {"test": test, "dead": recorded.zeros[index] == 1}
