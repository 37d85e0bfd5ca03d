"""A real server on loopback, and clients of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from convlens import Client
from service.settings import Settings
from tests.servers import serving


@pytest.fixture(scope="package")
def address(tiny_models: Path) -> Iterator[str]:
    settings = Settings(
        models=tiny_models,
        default_model="tiny-digit",
        max_images=8,
        max_request_bytes=1_000_000,
        deadline_seconds=60,  # The first Grad-CAM loads TensorFlow, on slow machines as well.
    )
    with serving(settings) as address:
        yield address


@pytest.fixture(scope="package")
def client(address: str) -> Iterator[Client]:
    with Client(f"http://{address}") as client:
        yield client
