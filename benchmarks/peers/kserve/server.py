"""KServe: a custom model behind its Python server, as many workers as cores."""

import base64
import os

import numpy as np
from digits import answer, decode, load
from kserve import Model, ModelServer


class Digits(Model):
    """Travels to the workers by pickle: each loads the model when it arrives, the parent never."""

    def __init__(self) -> None:
        super().__init__("digits")
        self.ready = True

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self.model = load()

    async def predict(self, payload: dict, headers=None, response_headers=None) -> dict:
        """The `instances` of one request."""
        files = [base64.b64decode(one["image"]["b64"]) for one in payload["instances"]]
        rows = self.model(np.stack([decode(file) for file in files]))
        return {"predictions": [answer(row) for row in rows]}


if __name__ == "__main__":
    ModelServer(
        http_port=int(os.environ["PORT"]),
        workers=int(os.environ["WORKERS"]),
        enable_grpc=False,
        enable_latency_logging=False,
    ).start([Digits()])
