"""A form with a file is read and thrown away: Starlette without anything else."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def predict(request: Request) -> JSONResponse:
    """Read the upload to its end; answer the same to everybody."""
    async with request.form() as form:
        await form["file"].read()
    return JSONResponse({"predictions": []})


app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
