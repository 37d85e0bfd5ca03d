"""FastAPI as public examples have it: Keras' `model.predict` in the handler, on the event loop."""

import os
from typing import Any

import keras
import numpy as np
from digits import answer, decode
from fastapi import FastAPI, UploadFile

app = FastAPI()
layer = keras.layers.TFSMLayer(os.environ["MODEL"], call_endpoint="serving_default")
model = keras.Sequential([keras.Input((28, 28, 1), dtype="uint8"), layer])


@app.post("/predict")
async def predict(file: UploadFile) -> dict[str, Any]:
    """Calls `model.predict` once a request."""
    output = model.predict(decode(await file.read())[np.newaxis], verbose=0)
    rows = output["probabilities"] if isinstance(output, dict) else output
    return {"predictions": [answer(row) for row in rows]}
