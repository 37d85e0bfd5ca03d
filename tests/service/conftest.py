"""The service on tiny models, as a client meets it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
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
    )


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client
