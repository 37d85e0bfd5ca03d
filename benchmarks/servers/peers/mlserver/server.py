"""MLServer: a custom runtime for images in base64, adaptive batching, worker processes."""

import numpy as np
from digits import decode, load
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Digits(MLModel):
    """Open Inference Protocol: takes `images`, gives `probabilities` and `label`."""

    async def load(self) -> bool:
        """Loads the model in the worker."""
        self.model = load()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers a batch that MLServer has formed."""
        files = Base64Codec.decode_input(payload.inputs[0])
        rows = self.model(np.stack([decode(file) for file in files]))
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output("probabilities", rows),
                NumpyCodec.encode_output("label", rows.argmax(1, keepdims=True)),
            ],
        )
