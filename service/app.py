"""The application: settings in, every route listed once, a FastAPI app out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service import bodies, problems
from service.intake import Intake
from service.models import Models
from service.routes import (
    cells,
    filters,
    grad_cam,
    health,
    lessons,
    maps,
    models,
    page,
    predict,
    statistics,
    v1,
    v1_predict,
    v2,
    v2_infer,
    v2_repository,
)
from service.settings import Settings

DESCRIPTION = """Send an image, get its class; ask for a layer, get its feature maps.

Every `GET` works as it stands, on a picture that ships with the service. Errors are
`application/problem+json` with a sentence that says what to do."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service for `settings`, or for the `CONVLENS_*` variables: a uvicorn factory."""
    settings = settings or Settings()
    app = FastAPIOffline(
        title="convlens",
        description=DESCRIPTION,
        version=version("convlens"),
        lifespan=_lifespan,
        static_url="/docs/static",
    )
    app.state.settings = settings
    problems.install(app)
    app.add_middleware(
        bodies.Bounded, most=settings.max_request_bytes, narrower={"/lessons/": lessons.MOST_BYTES}
    )
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
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
    """Load the models before the first connection is accepted; let the threads go at the end.

    Until then the listening socket keeps what arrives, so that a worker that still loads refuses
    nothing that another could answer.
    """
    app.state.models = Models(app.state.settings)
    app.state.intake = Intake(app.state.settings)
    await app.state.models.load()
    yield {"arrival_seconds": app.state.settings.arrival_seconds}
    app.state.intake.close()
    app.state.models.close()
