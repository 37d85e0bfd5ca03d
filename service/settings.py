"""Flags of `convlens serve` or `CONVLENS_*` environment variables become the settings."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read once at the entry point and passed down.

    Raises pydantic.ValidationError, which stops the start, for a value outside its bounds.
    """

    model_config = SettingsConfigDict(env_prefix="CONVLENS_", frozen=True, extra="forbid")

    host: str = Field(
        "127.0.0.1", description="Address to listen on; 0.0.0.0 listens on all interfaces."
    )
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on.")
    workers: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=64,
        description="Worker processes; by default one for each CPU core.",
    )
    models: Path = Field(
        Path("models"), description="Folder that holds the models, as <name>/<version>/."
    )
    versions: int = Field(
        4, ge=1, description="How many versions of a model are loaded at most, the newest first."
    )
    watch_seconds: float = Field(
        2,
        ge=0,
        description="Seconds between checks for new versions of models; 0 turns the checks off.",
    )
    default_model: str = Field(
        "mnist-lecture", description="Model that answers requests that name no model."
    )
    max_image_bytes: int = Field(
        10 * 2**20, ge=1, description="Largest image file, in bytes; a larger one gets 413."
    )
    max_image_pixels: int = Field(
        50_000_000,
        ge=1,
        description="Most pixels of an image, width × height; a larger image gets 413.",
    )
    max_images: int = Field(128, ge=1, description="Most images in one request; more get 413.")
    max_request_bytes: int = Field(
        32 * 2**20,
        ge=1,
        description="Largest request body, in bytes; a larger one gets 413.",
    )
    arrival_seconds: float = Field(
        30,
        gt=0,
        description="Seconds for a request to arrive completely; a slower one gets 408.",
    )
    deadline_seconds: float = Field(
        10,
        gt=0,
        description="Seconds to answer a complete request; otherwise it gets 503.",
    )
    drain_seconds: float = Field(
        1,
        ge=0,
        description="Seconds after SIGTERM in which /readyz fails and requests are still accepted.",
    )
    concurrency: int = Field(
        64,
        ge=1,
        description="Most requests in progress in one worker; further ones get 503.",
    )
    queue: int = Field(
        512,
        ge=1,
        description="Most images that wait for a model in one worker; further ones get 503.",
    )
    keys: Path | None = Field(
        None, description="File of API keys, made by `convlens key`; without it, no key is needed."
    )
    rate: str | None = Field(
        None,
        description="Most requests of a key, or of an address without one: 50/second;1000/minute.",
    )
    rate_storage: str = Field(
        "memory://",
        description="Where requests are counted for the rate; redis://HOST counts across machines.",
    )
    origins: str = Field(
        "", description="Origins whose web pages may call this service (CORS), separated by commas."
    )
    log: Literal["text", "json"] = Field(
        "text", description="Log format; json writes one object a line, with trace ids."
    )
    traces: bool = Field(
        False, description="Send an OpenTelemetry trace of every request; needs convlens[otel]."
    )
    threads: int = Field(
        1, ge=1, le=64, description="Threads that LiteRT and TensorFlow use for one operation."
    )
    cache: int = Field(
        64, ge=1, description="Images of each model whose feature maps a worker keeps in memory."
    )
    standard_http: bool = Field(
        False,
        description="Use uvicorn's own HTTP protocol and event loop and FastAPI's router: slower,"
        " without the bounds on heads, arrival_seconds and concurrency, and connections are not"
        " balanced between workers.",
    )
