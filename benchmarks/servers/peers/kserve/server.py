"""KServe: a custom model behind its Python server, as many workers as cores."""

import base64
import os
from functools import cache

import numpy as np
from kserve import Model, ModelServer


@cache
def digits():
    """TensorFlow and the model, with a worker's first request: KServe ends slow starters."""
    import digits

    return digits, digits.load()


class Digits(Model):
    """Travels to the workers by pickle, without the model; the parent never loads it."""

    def __init__(self) -> None:
        super().__init__("digits")
        self.ready = True

    async def predict(self, payload: dict, headers=None, response_headers=None) -> dict:
        """The `instances` of one request."""
        code, model = digits()
        files = [base64.b64decode(one["image"]["b64"]) for one in payload["instances"]]
        rows = model(np.stack([code.decode(file) for file in files]))
        return {"predictions": [code.answer(row) for row in rows]}


if __name__ == "__main__":
    ModelServer(
        http_port=int(os.environ["PORT"]),
        workers=int(os.environ["WORKERS"]),
        enable_grpc=False,
        enable_latency_logging=False,
    ).start([Digits()])
