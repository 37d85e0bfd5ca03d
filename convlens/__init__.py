"""The command line over the service and the training package, and a client of the service."""

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
    """The client's names, imported when one is used: a server needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from convlens import client

    return getattr(client, name)
