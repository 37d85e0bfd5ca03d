"""KServe: a custom model behind its Python server, with as many workers as cores."""

import base64
import os
from functools import cache
from typing import Any

import numpy as np
from kserve import Model, ModelServer


@cache
def digits() -> tuple[Any, Any]:
    """Loads TensorFlow and the model at a worker's first request: KServe ends workers that start
    slowly."""
    import digits

    return digits, digits.load()


class Digits(Model):
    """KServe pickles it for the workers, so it holds no model; the parent process loads none."""

    def __init__(self) -> None:
        super().__init__("digits")
        self.ready = True

    async def predict(
        self, payload: dict[str, Any], headers: Any = None, response_headers: Any = None
    ) -> dict[str, Any]:
        """Answers the `instances` of one request."""
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
