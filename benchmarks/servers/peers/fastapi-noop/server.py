"""A form with a file is read and thrown away: FastAPI without anything else."""

from fastapi import FastAPI, UploadFile

app = FastAPI()


@app.post("/predict")
async def predict(file: UploadFile) -> dict[str, list[dict[str, float]]]:
    """Read the upload to its end; answer the same to everybody."""
    await file.read()
    return {"predictions": []}
