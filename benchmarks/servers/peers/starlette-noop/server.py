"""Starlette alone: reads a form with a file, and answers the same to every request."""

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def predict(request: Request) -> JSONResponse:
    """Reads the upload to its end."""
    async with request.form() as form:
        file = form["file"]
        assert isinstance(file, UploadFile)
        await file.read()
    return JSONResponse({"predictions": []})


app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
