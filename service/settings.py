"""The service's settings: flags of `convlens serve` or `CONVLENS_*` variables, read once."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Built at the entry point and passed down; a value outside its rule stops the start."""

    model_config = SettingsConfigDict(env_prefix="CONVLENS_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for every one.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on.")
    workers: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=64,
        description="Processes that serve; the number of cores unless said otherwise.",
    )
    models: Path = Field(Path("models"), description="Folder with <name>/<version>/ models.")
    versions: int = Field(4, ge=1, description="Most versions of a model that are loaded.")
    watch_seconds: float = Field(
        2, ge=0, description="Time between two looks for new versions of models; 0 for none."
    )
    default_model: str = Field(
        "mnist-lecture", description="Model that answers when a request names none."
    )
    max_image_bytes: int = Field(
        10 * 2**20, ge=1, description="Largest image file, in bytes; 413 beyond."
    )
    max_image_pixels: int = Field(
        50_000_000, ge=1, description="Most pixels an image may have; 413 beyond."
    )
    max_images: int = Field(128, ge=1, description="Most images in one request; 413 beyond.")
    max_request_bytes: int = Field(
        32 * 2**20, ge=1, description="Largest request body, in bytes; 413 beyond."
    )
    arrival_seconds: float = Field(
        30, gt=0, description="Time for a request to arrive whole; 408 beyond."
    )
    deadline_seconds: float = Field(
        10, gt=0, description="Time to answer a request that came in whole; 503 beyond."
    )
    drain_seconds: float = Field(
        1, ge=0, description="Time from SIGTERM, which fails /readyz, to the last request."
    )
    concurrency: int = Field(
        64, ge=1, description="Most requests under way in one worker; 503 beyond."
    )
    queue: int = Field(
        512, ge=1, description="Most images that wait for a model in one worker; 503 beyond."
    )
    keys: Path | None = Field(
        None, description="File of API keys, made by `convlens key`; without it all may come in."
    )
    rate: str | None = Field(
        None, description="Most requests of a key or an address, such as 50/second;1000/minute."
    )
    rate_storage: str = Field(
        "memory://", description="Where the rate is counted; redis://HOST for several machines."
    )
    origins: str = Field(
        "", description="Other sites whose pages may call this service, separated by commas."
    )
    log: Literal["text", "json"] = Field(
        "text", description="Form of the log; json has a line a request with its trace."
    )
    traces: bool = Field(
        False, description="Send OpenTelemetry spans of every request; needs convlens[otel]."
    )
    standard_http: bool = Field(
        False,
        description="Use uvicorn's own HTTP protocol and event loop and FastAPI's router: slower,"
        " and without the bounds on heads, arrival_seconds and concurrency.",
    )
    threads: int = Field(1, ge=1, le=64, description="TensorFlow's threads for one operation.")
    cache: int = Field(64, ge=1, description="Images whose feature maps a worker keeps ready.")
