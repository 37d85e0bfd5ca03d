"""A Python client of the service: pictures and layer names in, predictions and NumPy arrays out.

It needs httpx2, numpy, Pillow, rich and stamina; neither TensorFlow nor FastAPI is imported.
"""

from convlens.client.answers import Prediction, Result
from convlens.client.asynchronous import AsyncClient
from convlens.client.errors import ClientError, NotFound, Refused, Unavailable, Unreachable
from convlens.client.sources import Source
from convlens.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "NotFound",
    "Prediction",
    "Refused",
    "Result",
    "Source",
    "Unavailable",
    "Unreachable",
]
