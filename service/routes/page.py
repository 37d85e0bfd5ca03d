"""Serves the page at `/`, its files under /web, and the sample pictures under /samples."""

from pathlib import Path
from typing import Any, get_args

from fastapi import APIRouter
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from service.errors import Invalid, NotFound
from service.http.problems import documented
from service.images import samples
from service.manifest import Preparation

FOLDER = Path(__file__).parents[1] / "web"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(tags=["page"])


class Files(StaticFiles):
    """Static files that a browser revalidates on each use, so that it never mixes two versions."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


files = Files(directory=FOLDER)


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page; its security policy allows no other host."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"}
    return FileResponse(FOLDER / "index.html", headers=headers)


@router.get("/samples")
async def list_samples() -> dict[str, list[str]]:
    """The names that `?sample=` takes, for each preparation of a picture."""
    return {how: list(samples.names(how)) for how in get_args(Preparation)}


@router.get(
    "/samples/{preparation}/{name}.png",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
        **documented(NotFound, Invalid),
    },
)
async def show_sample(preparation: Preparation, name: str) -> Response:
    """One of the pictures that ship with the service, as a PNG."""
    return Response(samples.data(preparation, name), media_type="image/png")
