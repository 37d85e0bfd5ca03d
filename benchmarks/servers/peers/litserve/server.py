"""LitServe: batches in worker processes, behind as many API servers."""

import os

import litserve
import numpy as np
from digits import answer, decode, load


class Digits(litserve.LitAPI):
    """The form field `file` holds one image."""

    def setup(self, device: str) -> None:
        """Load the model in the worker."""
        self.model = load()

    def decode_request(self, request) -> np.ndarray:
        """One PNG."""
        return decode(request["file"].file.read())

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        """Images of waiting requests, together."""
        return np.stack(inputs)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """All of them at once."""
        return self.model(images)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        """A row for each request."""
        return list(output)

    def encode_response(self, output: np.ndarray) -> dict:
        """The answer of one request."""
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
