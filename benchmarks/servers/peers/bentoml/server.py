"""BentoML: adaptive batching in front of one method."""

import os
from typing import Any

import bentoml
import numpy as np
from digits import answer, load
from PIL.Image import Image


@bentoml.service(
    workers=int(os.environ.get("WORKERS", "2")),
    traffic={"timeout": 60, "max_concurrency": 4096},
    logging={"access": {"enabled": False}},
)
class Digits:
    """Takes images in the form field `images`; BentoML decodes them."""

    def __init__(self) -> None:
        self.model = load()

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, images: list[Image]) -> list[dict[str, Any]]:
        """Answers a batch that BentoML has formed."""
        stacked = np.stack([np.asarray(image.convert("L"))[..., np.newaxis] for image in images])
        return [answer(row) for row in self.model(stacked)]
