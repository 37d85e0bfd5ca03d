"""Kernels over HTTP."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.models.registry import Models
from tests.service.routes.conftest import array


def test_filters_are_the_weights(client: TestClient) -> None:
    models: Models = client.app.state.models  # type: ignore[attr-defined]
    weights = models.get().network.weights
    assert (array(client, "/layers/conv2/filters") == weights["conv2/kernel"]).all()
    assert (array(client, "/layers/conv2/filters/1") == weights["conv2/kernel"][..., 1]).all()
    document = client.get("/layers/conv2/filters").json()
    assert np.array(document["kernels"], np.float32)[2, 1].tolist() == (
        weights["conv2/kernel"][:, :, 1, 2].tolist()
    )
    assert np.float32(document["bias"]).tolist() == weights["conv2/bias"].tolist()
    one = client.get("/layers/conv2/filters/2").json()
    assert one["kernel"] == document["kernels"][2]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/layers/conv1/filters?format=png", 200),
        ("/layers/conv1/filters?format=png&model=tiny-photo&composite=true", 200),
        ("/layers/conv1/filters?composite=true", 409),
        ("/layers/pool1/filters", 409),
        ("/layers/conv1/filters/3", 404),
        ("/layers/conv9/filters", 404),
    ],
)
def test_statuses(client: TestClient, url: str, status: int) -> None:
    assert client.get(url).status_code == status
