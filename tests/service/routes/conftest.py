"""What the tests of routes share."""

import io
from typing import Any

import numpy as np
from fastapi.testclient import TestClient


def array(client: TestClient, url: str) -> Any:
    """The .npy that `url` answers."""
    response = client.get(url, headers={"accept": "application/x-npy"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-npy"
    return np.load(io.BytesIO(response.content))
