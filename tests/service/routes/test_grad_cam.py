"""Grad-CAM and occlusion over HTTP."""

import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.images import samples, tokens
from tests.service.routes.conftest import array


@pytest.mark.parametrize("method", ["grad-cam", "occlusion"])
def test_heatmaps_of_several_classes(client: TestClient, method: str) -> None:
    url = f"/grad-cam?label=one&label=three&method={method}&sample=7"
    heat = array(client, url)
    assert len(heat) == 2
    assert (heat >= 0).all()
    document = client.get(url).json()
    assert [one["label"] for one in document["heatmaps"]] == ["one", "three"]
    assert np.array(document["heatmaps"][1]["values"], np.float32).tolist() == heat[1].tolist()
    assert document["maximum"] == pytest.approx(float(heat.max()))
    picture = client.get(f"{url}&format=png")
    Image.open(io.BytesIO(picture.content)).verify()


def test_predicted_class_is_explained_when_none_is_named(client: TestClient) -> None:
    explained = client.get("/grad-cam?sample=7").json()
    url = f"/layers/conv1/feature-maps?image={explained['image']}"
    assert client.get(url).status_code == 200
    posted = client.post("/predict", content=samples.data("digit", "7")).json()
    assert explained["heatmaps"][0]["label"] == posted["predictions"][0]["label"]


def test_uniform_image_gives_zeros_and_no_nan(client: TestClient) -> None:
    token = tokens.encode(np.zeros((12, 12, 1), np.uint8))
    for method in ("grad-cam", "occlusion"):
        heat = array(client, f"/grad-cam?image={token}&method={method}")
        assert np.isfinite(heat).all()
        if method == "occlusion":  # Covering black with black changes nothing.
            assert not heat.any()


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/grad-cam?label=nine", 404),
        ("/grad-cam?label=one" + "&label=one" * 10, 422),
        ("/grad-cam?method=magic", 422),
        ("/grad-cam?format=gif", 406),
    ],
)
def test_statuses(client: TestClient, url: str, status: int) -> None:
    assert client.get(url).status_code == status
