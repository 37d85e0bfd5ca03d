"""FastAPI alone: reads a form with a file, and answers the same to every request."""

from fastapi import FastAPI, UploadFile

app = FastAPI()


@app.post("/predict")
async def predict(file: UploadFile) -> dict[str, list[dict[str, float]]]:
    """Reads the upload to its end."""
    await file.read()
    return {"predictions": []}
