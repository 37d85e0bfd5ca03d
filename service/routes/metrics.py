"""`GET /metrics`: for Prometheus."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from service.observability import metrics

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def show() -> Response:
    """Requests, times, refusals, queues and models of all workers of this machine."""
    return Response(await asyncio.to_thread(metrics.exposition), media_type=metrics.MEDIA_TYPE)
