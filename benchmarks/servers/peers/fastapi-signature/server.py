"""FastAPI with the SavedModel's signature called once a request."""

from typing import Any

import numpy as np
from digits import answer, decode, load
from fastapi import FastAPI, UploadFile

app = FastAPI()
model = load()


@app.post("/predict")
async def predict(file: list[UploadFile]) -> dict[str, Any]:
    """Calls the model on the event loop: a thread would cost more than so small a model takes."""
    rows = model(np.stack([decode(await one.read()) for one in file]))
    return {"predictions": [answer(row) for row in rows]}
