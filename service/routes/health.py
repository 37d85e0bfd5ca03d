"""`GET /livez`, `/readyz` and `/metrics`: probes for an orchestrator, figures for Prometheus."""

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from service.errors import NotReady
from service.http.problems import documented
from service.models.registry import Models
from service.observability import metrics

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`alive` or `ready`; a problem document answers instead if the service is not."""

    status: str


@router.get("/livez")
async def live() -> Health:
    """Liveness: the process answers."""
    return Health(status="alive")


@router.get("/readyz", responses=documented(NotReady))
async def ready(request: Request) -> Health:
    """Readiness: the models are loaded and checked, and the service is not stopping."""
    models: Models = request.app.state.models
    models.get()
    if request.app.state.drain.has_begun:
        raise NotReady("The service is stopping.")
    return Health(status="ready")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def show_metrics() -> Response:
    """Metrics for Prometheus: requests, durations, errors, queues and models of all workers."""
    return Response(await asyncio.to_thread(metrics.exposition), media_type=metrics.MEDIA_TYPE)
