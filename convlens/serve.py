"""`convlens serve`: flags and `CONVLENS_*` environment variables become running workers."""

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
from service.workers.connection_balance import BalancedLoop

SHARED_BYTES = 16 * 2**20
"""Space reserved for the files that the workers share."""

_FIELDS = Settings.model_fields


def _option(name: str, **more: Any) -> Any:
    """A command-line option for the setting `name`, with the setting's description as its help."""
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
    standard_http: Annotated[bool | None, _option("standard_http")] = None,
    threads: Annotated[int | None, _option("threads")] = None,
    cache: Annotated[int | None, _option("cache")] = None,
) -> None:
    """Serve the models of a folder over HTTP.

    A flag overrides its CONVLENS_* variable, and the variable the default.

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
    # Workers are separate processes that read their settings from the environment.
    for name, value in settings.model_dump(exclude_none=True).items():
        os.environ[f"CONVLENS_{name.upper()}"] = str(value)
    with _shared_state(settings):
        uvicorn.run(
            "service.app:create_app",
            factory=True,
            **protocol_and_loop(settings),
            ws="none",
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            timeout_graceful_shutdown=math.ceil(settings.deadline_seconds),
            access_log=False,
            log_config=log_config(settings.log),
            server_header=False,
        )


def protocol_and_loop(settings: Settings) -> dict[str, Any]:
    """uvicorn's arguments `http` and `loop`: its own with `standard_http`, else ours."""
    if settings.standard_http:
        return {"http": "httptools", "loop": "auto"}
    balanced = f"{BalancedLoop.__module__}:{BalancedLoop.__qualname__}"
    return {"http": Connection, "loop": balanced if settings.workers > 1 else "auto"}


@contextmanager
def _shared_state(settings: Settings) -> Iterator[None]:
    """Give several workers a temporary folder for metrics, rates and connection counts."""
    if settings.workers == 1:
        yield
        return
    with _shared_folder() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ[connection_balance.FOLDER] = folder
        if settings.rate_storage == "memory://":
            os.environ["CONVLENS_RATE_STORAGE"] = f"shared://{folder}/rate"
        yield


def _shared_folder() -> TemporaryDirectory[str]:
    """A folder with `SHARED_BYTES` of free space; without it the start fails with a sentence."""
    # /dev/shm is in memory, and writable in a container whose file system is read-only.
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    try:
        folder = TemporaryDirectory(prefix="convlens-", dir=parent)
        # The files are mapped into memory: a worker that ran out of space would get SIGBUS.
        with (Path(folder.name) / "reserved").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, SHARED_BYTES)
        (Path(folder.name) / "reserved").unlink()
    except OSError as problem:
        _stop(
            f"There is no room for the numbers that the workers share: {problem}. Free some in"
            " /dev/shm, name another folder by TMPDIR, or serve with --workers 1."
        )
    return folder


def _check(settings: Settings) -> None:
    """Raise ModelError if the default model is missing: no worker could ever become ready."""
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
    """uvicorn's logging configuration, with the loggers of the service; `form` is text or json."""
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
        config["formatters"]["default"] = {"()": "service.observability.access_log.JsonFormatter"}
    return config
