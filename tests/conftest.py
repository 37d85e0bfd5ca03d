"""What tests everywhere share: how workers divide them, and a folder of tiny models, made once."""

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import exported_models
from tests.exported_models import tiny_model

BROWSER = "tests/browser/"
LONGEST = (
    BROWSER,
    "tests/training/fitting/",
    "tests/training/test_main.py",
    "tests/service/test_openapi.py",
    "tests/training/",
)
"""The tests to begin with, so that no worker is left with a long module at the end."""


class Modules(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker whole modules, and all of the browser's: Chromium and a service start once."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Modules:
    config.option.loadscopereorder = False
    return Modules(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((i for i, s in enumerate(LONGEST) if item.nodeid.startswith(s)), len(LONGEST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from the million objects of all modules and cases."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def exported_models_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the exported tiny models in one folder for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    exported_models.exported_folder = shared / "exported"


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with `tiny-digit` (12×12×1) and `tiny-photo` (12×12×3), version 1 each."""
    models = tmp_path_factory.mktemp("models")
    tiny_model(models / "tiny-digit" / "1")
    tiny_model(models / "tiny-photo" / "1", shape=(12, 12, 3), preparation="photo", seed=3)
    return models
