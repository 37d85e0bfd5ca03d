"""The `convlens` command and the Python client of the service."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convlens.client import (
        AsyncClient,
        Client,
        ClientError,
        NotFound,
        Prediction,
        Refused,
        Result,
        Unavailable,
        Unreachable,
    )

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "NotFound",
    "Prediction",
    "Refused",
    "Result",
    "Unavailable",
    "Unreachable",
]


def __getattr__(name: str) -> Any:
    """Import the client when one of its names is used, because a server does not need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from convlens import client

    return getattr(client, name)
