"""Settings become the FastAPI application; every route is listed here once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from service.http import problems
from service.http.admission import Admission
from service.http.api_keys import Keys
from service.http.auth import AuthMiddleware
from service.http.body_limit import BodyLimitMiddleware
from service.http.fast_routes import FastRoutes
from service.http.rate_limit import Rate
from service.http.request_lifecycle import RequestLifecycle
from service.images.reader import ImageReader
from service.lessons import routes as lessons
from service.models.registry import Models
from service.models.reloading import Watcher
from service.observability import tracing
from service.protocols.open_inference import infer as v2_infer
from service.protocols.open_inference import metadata as v2
from service.protocols.open_inference import repository as v2_repository
from service.protocols.tfserving import metadata as v1
from service.protocols.tfserving import predict as v1_predict
from service.routes import (
    cells,
    filters,
    grad_cam,
    health,
    maps,
    models,
    page,
    predict,
    statistics,
)
from service.settings import Settings
from service.workers import malloc_limits
from service.workers.gc_freeze import collect
from service.workers.graceful_stop import Drain

DESCRIPTION = """Send an image, get its class; ask for a layer, get its feature maps.

Every `GET` works as it stands, on a picture that ships with the service. Errors are
`application/problem+json` with a sentence that says what to do."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for `settings`, by default from `CONVLENS_*` variables; a uvicorn factory."""
    settings = settings or Settings()
    app = FastAPIOffline(
        title="convlens",
        description=DESCRIPTION,
        version=version("convlens"),
        lifespan=_lifespan,
        static_url="/docs/static",
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.drain = Drain()
    problems.install(app)
    for routes in (
        predict,
        models,
        maps,
        statistics,
        cells,
        filters,
        grad_cam,
        lessons,
        health,
        v1,
        v1_predict,
        v2,
        v2_infer,
        v2_repository,
        page,
    ):
        app.include_router(routes.router)
    app.mount("/web", page.files)
    app.middleware_stack = _guarded(app, app.build_middleware_stack())
    return app


def _guarded(app: FastAPI, inner: ASGIApp) -> ASGIApp:
    """`inner`, FastAPI's own stack, inside our middleware; the outermost is added last."""
    settings: Settings = app.state.settings
    if not settings.standard_http:
        inner = FastRoutes(inner, app, [*predict.router.routes, *maps.router.routes])
    inner = BodyLimitMiddleware(
        inner, most=settings.max_request_bytes, narrower={"/lessons/": lessons.MOST_BYTES}
    )
    if settings.keys is not None or settings.rate is not None:
        keys = None if settings.keys is None else Keys.read(settings.keys)
        rate = None if settings.rate is None else Rate(settings.rate, settings.rate_storage)
        inner = AuthMiddleware(inner, keys=keys, rate=rate)
    if settings.origins:
        inner = CORSMiddleware(
            inner,
            allow_origins=[one.strip() for one in settings.origins.split(",")],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
        )
    app.state.lifecycle = RequestLifecycle(inner, settings, app.state.drain)
    outermost: ASGIApp = app.state.lifecycle
    return (
        tracing.TracingMiddleware(outermost, tracing.exporter()) if settings.traces else outermost
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
    """Load the models before the first connection is accepted; stop the threads at the end.

    Connections that arrive meanwhile wait in the listening socket, where another worker may take
    them, so a worker that is still loading refuses nothing.
    """
    malloc_limits.apply()
    app.state.models = Models(app.state.settings)
    app.state.image_reader = ImageReader(app.state.settings)
    # Made before the models are loaded, so that it misses no change.
    app.state.watcher = Watcher(app.state.models, app.state.settings)
    await app.state.models.load()
    collect()
    watching = asyncio.create_task(app.state.watcher.run())
    app.state.drain.watch(app.state.settings.drain_seconds)
    yield {
        "arrival_seconds": app.state.settings.arrival_seconds,
        "admission": Admission(app.state.settings.concurrency),
    }
    watching.cancel()
    app.state.lifecycle.flush()
    app.state.image_reader.close()
    app.state.models.close()
