"""`GET /livez` and `/readyz`: for whatever watches over the process."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from service.errors import NotReady
from service.http.problems import documented
from service.models.registry import Models

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Said only when it is so; a problem document says otherwise."""

    status: str


@router.get("/livez")
async def live() -> Health:
    """The process answers."""
    return Health(status="alive")


@router.get("/readyz", responses=documented(NotReady))
async def ready(request: Request) -> Health:
    """The models are loaded, proved and warm."""
    models: Models = request.app.state.models
    models.get()
    if request.app.state.drain.has_begun:
        raise NotReady("The service is stopping.")
    return Health(status="ready")
