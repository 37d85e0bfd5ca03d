"""mosec: a Rust front takes raw PNG bodies and batches them for worker processes."""

import os

import numpy as np
from digits import answer, decode, load
from mosec import Server, Worker


class Digits(Worker):
    """Decodes in the worker, as mosec's examples do."""

    def __init__(self) -> None:
        self.model = load()

    def deserialize(self, data: bytes) -> np.ndarray:
        """One body is one PNG."""
        return decode(data)

    def forward(self, data: list[np.ndarray]) -> list[dict]:
        """A batch that mosec put together."""
        return [{"predictions": [answer(row)]} for row in self.model(np.stack(data))]


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        Digits, num=int(os.environ["WORKERS"]), max_batch_size=64, max_wait_time=1, timeout=30
    )
    server.run()
