"""LitServe: batches in worker processes, behind as many API server processes."""

import os
from typing import Any

import litserve
import numpy as np
from digits import answer, decode, load
from numpy.typing import NDArray


class Digits(litserve.LitAPI):
    """Takes one image in the form field `file`."""

    def setup(self, device: str) -> None:
        """Loads the model in the worker."""
        self.model = load()

    def decode_request(self, request: Any) -> NDArray[Any]:
        """Decodes the PNG of one request."""
        return decode(request["file"].file.read())

    def batch(self, inputs: list[NDArray[Any]]) -> NDArray[Any]:
        """Stacks the images of the waiting requests."""
        return np.stack(inputs)

    def predict(self, images: NDArray[Any]) -> NDArray[Any]:
        """Calls the model on the whole batch."""
        return self.model(images)

    def unbatch(self, output: NDArray[Any]) -> list[NDArray[Any]]:
        """Splits the output into a row for each request."""
        return list(output)

    def encode_response(self, output: NDArray[Any]) -> dict[str, Any]:
        """Makes the answer of one request."""
        return {"predictions": [answer(output)]}


if __name__ == "__main__":
    workers = int(os.environ["WORKERS"])
    server = litserve.LitServer(
        Digits(max_batch_size=64, batch_timeout=0.001),
        accelerator="cpu",
        workers_per_device=workers,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=workers,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
