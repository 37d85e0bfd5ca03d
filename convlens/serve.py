"""`convlens serve`: flags and `CONVLENS_*` variables become running workers."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NoReturn

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console

from service.errors import KeyFileError, ModelError
from service.http.api_keys import Keys
from service.http.connection import Connection
from service.http.rate_limit import Rate
from service.models import folder as model_folders
from service.observability import tracing
from service.settings import Settings
from service.workers import connection_balance

SHARED_BYTES = 16 * 2**20
"""What the workers' shared numbers may come to take."""

_FIELDS = Settings.model_fields


def _option(name: str, **more: Any) -> Any:
    """A flag for the setting `name`, explained in the setting's own words."""
    explained = f"{_FIELDS[name].description} \\[env: CONVLENS_{name.upper()}]"
    return typer.Option(help=explained, show_default=_default(name), **more)


def _default(name: str) -> str:
    default = _FIELDS[name].get_default(call_default_factory=True, validated_data={})
    return str(default)


def serve(
    host: Annotated[str | None, _option("host")] = None,
    port: Annotated[int | None, _option("port")] = None,
    workers: Annotated[int | None, _option("workers")] = None,
    models: Annotated[Path | None, _option("models")] = None,
    default_model: Annotated[str | None, _option("default_model")] = None,
    versions: Annotated[int | None, _option("versions")] = None,
    watch_seconds: Annotated[float | None, _option("watch_seconds")] = None,
    max_image_bytes: Annotated[int | None, _option("max_image_bytes")] = None,
    max_image_pixels: Annotated[int | None, _option("max_image_pixels")] = None,
    max_images: Annotated[int | None, _option("max_images")] = None,
    max_request_bytes: Annotated[int | None, _option("max_request_bytes")] = None,
    arrival_seconds: Annotated[float | None, _option("arrival_seconds")] = None,
    deadline_seconds: Annotated[float | None, _option("deadline_seconds")] = None,
    drain_seconds: Annotated[float | None, _option("drain_seconds")] = None,
    concurrency: Annotated[int | None, _option("concurrency")] = None,
    queue: Annotated[int | None, _option("queue")] = None,
    keys: Annotated[Path | None, _option("keys")] = None,
    rate: Annotated[str | None, _option("rate")] = None,
    rate_storage: Annotated[str | None, _option("rate_storage")] = None,
    origins: Annotated[str | None, _option("origins")] = None,
    log: Annotated[str | None, _option("log")] = None,
    traces: Annotated[bool | None, _option("traces")] = None,
    threads: Annotated[int | None, _option("threads")] = None,
    cache: Annotated[int | None, _option("cache")] = None,
) -> None:
    """Serve the models of a folder over HTTP.

    A flag goes before its CONVLENS_* variable, the variable before the default.

    Example: convlens serve --port 9000 --default-model cifar10-lecture-3conv
    """
    given: dict[str, Any] = {name: value for name, value in locals().items() if value is not None}
    try:
        settings = Settings(**given)
        _check(settings)
        if settings.keys is not None:
            Keys.read(settings.keys)
        if settings.traces:
            tracing.exporter().shutdown()
        if settings.rate is not None:
            Rate(settings.rate, settings.rate_storage)
    except ValidationError as problem:
        _stop("; ".join(f"{one['loc'][0]}: {one['msg']}" for one in problem.errors()))
    except ImportError as problem:
        _stop(f"Traces need what `pip install 'convlens[otel]'` brings: {problem}.")
    except (ModelError, KeyFileError, ValueError) as problem:
        _stop(str(problem))
    # Workers are processes of their own and read the settings from their environment.
    for name, value in settings.model_dump(exclude_none=True).items():
        os.environ[f"CONVLENS_{name.upper()}"] = str(value)
    with _shared_numbers(settings):
        uvicorn.run(
            "service.app:create_app",
            factory=True,
            http=Connection,
            loop="auto" if settings.workers == 1 else "service.workers.connection_balance:Loop",
            ws="none",
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            timeout_graceful_shutdown=math.ceil(settings.deadline_seconds),
            access_log=False,
            log_config=log_config(settings.log),
            server_header=False,
        )


@contextmanager
def _shared_numbers(settings: Settings) -> Iterator[None]:
    """Let several workers count together, in files that are gone afterwards."""
    if settings.workers == 1:
        yield
        return
    with _shared_folder() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ[connection_balance.FOLDER] = folder
        if settings.rate_storage == "memory://":
            os.environ["CONVLENS_RATE_STORAGE"] = f"shared://{folder}/rate"
        yield


def _shared_folder() -> TemporaryDirectory[str]:
    """A folder with room for what the workers share; else the start ends with a sentence."""
    # In memory, and there to be written even where the rest of the file system is not.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    try:
        folder = TemporaryDirectory(prefix="convlens-", dir=place)
        # Numbers are mapped: a worker that finds no room for them later would be ended.
        with (Path(folder.name) / "room").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, SHARED_BYTES)
        (Path(folder.name) / "room").unlink()
    except OSError as problem:
        _stop(
            f"There is no room for the numbers that the workers share: {problem}. Free some in"
            " /dev/shm, name another folder by TMPDIR, or serve with --workers 1."
        )
    return folder


def _check(settings: Settings) -> None:
    """Refuse to start where no worker could ever become ready."""
    names = {folder.parent.name for folder in model_folders.find(settings.models)}
    if settings.default_model not in names:
        known = ", ".join(sorted(names)) or "none"
        raise ModelError(
            f"The default model {settings.default_model!r} is not in {settings.models}; there is:"
            f" {known}. Name one by --default-model."
        )


def _stop(sentence: str) -> NoReturn:
    Console(stderr=True).print(f"[red]{sentence}[/red]", soft_wrap=True)
    raise typer.Exit(2)


def log_config(form: str) -> dict[str, Any]:
    """uvicorn's own configuration, with our log beside it and our lines for requests."""
    config: dict[str, Any] = {**uvicorn.config.LOGGING_CONFIG}
    config["formatters"] = {**config["formatters"], "lines": {"format": "%(message)s"}}
    config["handlers"] = {**config["handlers"]}
    config["handlers"]["access"] = {**config["handlers"]["access"], "formatter": "lines"}
    own = {"level": "INFO", "propagate": False}
    config["loggers"] = {
        **config["loggers"],
        "convlens": {"handlers": ["default"], **own},
        "convlens.access": {"handlers": ["access"], **own},
    }
    if form == "json":
        config["formatters"]["default"] = {"()": "service.observability.access_log.Lines"}
    return config
