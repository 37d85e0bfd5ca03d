"""The service on tiny models, as a client meets it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.app import create_app
from service.http.connection import Connection
from service.settings import Settings


@pytest.fixture(scope="session")
def settings(tiny_models: Path) -> Settings:
    return Settings(
        models=tiny_models,
        default_model="tiny-digit",
        max_images=8,
        max_image_bytes=200_000,
        max_request_bytes=1_000_000,
        max_image_pixels=1_000_000,
        deadline_seconds=60,  # The first Grad-CAM loads TensorFlow, on slow machines as well.
    )


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def live(settings: Settings) -> Iterator[str]:
    """The address of the same service behind its real server."""
    with running(create_app(settings)) as address:
        yield address


@contextmanager
def running(
    app: FastAPI, idle_seconds: int = 5, http: type[asyncio.Protocol] = Connection
) -> Iterator[str]:
    """The address of `app` behind its real server, in a thread of this process."""
    config = uvicorn.Config(
        app, port=0, http=http, log_level="error", timeout_keep_alive=idle_seconds
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
