"""mosec: an HTTP server in Rust takes raw PNG bodies and batches them for worker processes."""

import os
from typing import Any

import numpy as np
from digits import answer, decode, load
from mosec import Server, Worker
from numpy.typing import NDArray


class Digits(Worker):
    """Decodes in the worker, as mosec's examples do."""

    def __init__(self) -> None:
        self.model = load()

    def deserialize(self, data: bytes) -> NDArray[Any]:
        """Decodes a body, which is one PNG."""
        return decode(data)

    def forward(self, data: list[NDArray[Any]]) -> list[dict[str, Any]]:
        """Answers a batch that mosec has formed."""
        return [{"predictions": [answer(row)]} for row in self.model(np.stack(data))]


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        Digits, num=int(os.environ["WORKERS"]), max_batch_size=64, max_wait_time=1, timeout=30
    )
    server.run()
