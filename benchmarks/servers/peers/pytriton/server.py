"""PyTriton: Triton's HTTP server and dynamic batcher in front of Python callables."""

import os
from typing import Any

import numpy as np
from digits import decode, load
from numpy.typing import NDArray
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

model = load()


@batch
def infer(images: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Answers a batch that Triton has formed: PNG files, object (n, 1)."""
    rows = model(np.stack([decode(file) for file in images[:, 0]]))
    return {"probabilities": rows, "label": rows.argmax(1, keepdims=True)}


if __name__ == "__main__":
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=int(os.environ["PORT"]),
        grpc_address="127.0.0.1",
        grpc_port=int(os.environ["GRPC_PORT"]),
        allow_metrics=False,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="digits",
            infer_func=[infer] * int(os.environ["WORKERS"]),
            inputs=[Tensor(name="images", dtype=bytes, shape=(1,))],
            outputs=[
                Tensor(name="probabilities", dtype=np.float32, shape=(10,)),
                Tensor(name="label", dtype=np.int64, shape=(1,)),
            ],
            config=ModelConfig(max_batch_size=64, batcher=DynamicBatcher()),
            strict=False,
        )
        triton.serve()
