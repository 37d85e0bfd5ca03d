"""What tests everywhere share: a folder of tiny models, made once."""

import os
from pathlib import Path

import pytest

from tests import bundles
from tests.bundles import tiny_bundle


@pytest.fixture(scope="session", autouse=True)
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the exported tiny models are kept, one folder for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    bundles.exported = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exported"
    return bundles.exported


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with `tiny-digit` (12×12×1) and `tiny-photo` (12×12×3), version 1 each."""
    models = tmp_path_factory.mktemp("models")
    tiny_bundle(models / "tiny-digit" / "1")
    tiny_bundle(models / "tiny-photo" / "1", shape=(12, 12, 3), preparation="photo", seed=3)
    return models
