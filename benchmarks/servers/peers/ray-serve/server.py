"""Ray Serve: replicas behind HAProxy, each with its own batching."""

import os
import signal
from typing import Any

import numpy as np
import ray
from digits import answer, decode, load
from numpy.typing import NDArray
from ray import serve
from starlette.datastructures import UploadFile
from starlette.requests import Request

WORKERS = int(os.environ["WORKERS"])


@serve.deployment(num_replicas=WORKERS, max_ongoing_requests=512)
class Digits:
    """A replica: a process with its own model."""

    def __init__(self) -> None:
        self.model = load()

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0)
    async def rows(self, images: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """Answers the images of several requests in one call; each item is one request's images."""
        ends = np.cumsum([len(one) for one in images])[:-1]
        return np.split(self.model(np.concatenate(images)), ends)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Takes the form field `file`, which may be repeated."""
        async with request.form(max_files=128) as form:
            files = [one for one in form.getlist("file") if isinstance(one, UploadFile)]
            images = [decode(await one.read()) for one in files]
        return {"predictions": [answer(row) for row in await self.rows(np.stack(images))]}


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="error")
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
    serve.run(
        Digits.bind(),  # type: ignore[attr-defined]
        route_prefix="/predict",
    )
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    serve.shutdown()
    ray.shutdown()
