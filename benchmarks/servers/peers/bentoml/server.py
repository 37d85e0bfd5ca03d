"""BentoML: adaptive batching in front of one method, two workers."""

import os

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
    """Images come as the form field `images`, decoded by BentoML."""

    def __init__(self) -> None:
        self.model = load()

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, images: list[Image]) -> list[dict]:
        """A batch that BentoML put together."""
        stacked = np.stack([np.asarray(image.convert("L"))[..., np.newaxis] for image in images])
        return [answer(row) for row in self.model(stacked)]
