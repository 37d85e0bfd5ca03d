"""The endpoints of filters and heatmaps, and the PNGs that they draw."""

import io
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.drawing import heatmaps, kernels, palettes
from service.images import samples, tokens
from service.models.registry import Models


def array(client: TestClient, url: str) -> Any:
    response = client.get(url, headers={"accept": "application/x-npy"})
    assert response.status_code == 200, response.text
    return np.load(io.BytesIO(response.content))


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


def test_kernels_have_a_palette_of_their_own() -> None:
    values = np.random.default_rng(1).normal(size=(3, 3, 1, 4)).astype(np.float32)
    picture = np.asarray(Image.open(io.BytesIO(kernels.draw(values, "t"))).convert("RGB"))
    colours = set(map(tuple, picture.reshape(-1, 3).tolist()))
    expected = palettes.symmetric(values, "brown-teal").colours(values)
    assert set(map(tuple, expected.reshape(-1, 3).tolist())) <= colours


def test_means_over_many_channels_use_the_whole_palette() -> None:
    values = np.random.default_rng(1).normal(size=(3, 3, 64, 16)).astype(np.float32)
    image = Image.open(io.BytesIO(kernels.draw(values, "t")))
    means = values.mean(axis=2)
    expected = palettes.symmetric(means, "brown-teal").colours(means)
    colours = set(map(tuple, np.asarray(image.convert("RGB")).reshape(-1, 3).tolist()))
    assert set(map(tuple, expected.reshape(-1, 3).tolist())) <= colours
    assert float(image.info["Maximum"]) == float(means.max())


def test_composite_shows_zero_as_mid_grey_and_no_bar_of_another_palette() -> None:
    values = np.zeros((2, 2, 3, 2), np.float32)
    values[0, 0, :, 0] = (1, 0, -1)
    image = Image.open(io.BytesIO(kernels.draw(values, "t", composite=True)))
    pixels = np.asarray(image.convert("RGB"))
    colours = set(map(tuple, pixels.reshape(-1, 3).tolist()))
    assert {(255, 128, 1), (128, 128, 128)} <= colours
    assert colours.isdisjoint({tuple(one) for one in palettes.BROWN_TEAL[[0, -1]].tolist()})


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/layers/conv1/filters?format=png", 200),
        ("/layers/conv1/filters?format=png&model=tiny-photo&composite=true", 200),
        ("/layers/conv1/filters?composite=true", 409),
        ("/layers/pool1/filters", 409),
        ("/layers/conv1/filters/3", 404),
        ("/layers/conv9/filters", 404),
        ("/grad-cam?label=nine", 404),
        ("/grad-cam?label=one" + "&label=one" * 10, 422),
        ("/grad-cam?method=magic", 422),
        ("/grad-cam?format=gif", 406),
    ],
)
def test_statuses(client: TestClient, url: str, status: int) -> None:
    assert client.get(url).status_code == status


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


def test_all_zero_heatmap_shows_the_plain_image() -> None:
    pixels = np.full((4, 4, 1), 100, np.uint8)
    png = heatmaps.overlay(pixels, np.zeros((1, 2, 2), np.float32), ["a"], "t")
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert (picture == 24 + 85).all(axis=2).any()
