"""The endpoints of feature maps and pooled maps."""

import io
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.models.model import Model
from service.models.registry import Models
from service.routes import answers
from tests.pictures import save, seven
from tests.service.routes.conftest import array


def model(client: TestClient) -> Model:
    models: Models = client.app.state.models  # type: ignore[attr-defined]
    return models.get("tiny-digit")


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("/layers/conv1/feature-maps", (12, 12, 3)),
        ("/layers/conv2/feature-maps", (2, 2, 4)),
        ("/layers/conv1/feature-maps/2", (12, 12)),
        ("/layers/pool1/pooled-maps", (6, 6, 3)),
        ("/layers/conv1/pooled-maps", (6, 6, 3)),
        ("/layers/conv2/pooled-maps/0", (2, 2)),
    ],
)
def test_every_get_works_without_an_image(
    client: TestClient, url: str, shape: tuple[int, ...]
) -> None:
    maps = array(client, url)
    assert maps.shape == shape
    assert maps.dtype == np.float32
    document = client.get(url).json()
    assert document["shape"] == list(shape)
    assert document["statistics"]["maximum"] == pytest.approx(float(maps.max()))
    picture = client.get(url, headers={"accept": "image/png"})
    Image.open(io.BytesIO(picture.content)).verify()


def test_json_npy_and_network_agree(client: TestClient) -> None:
    document = client.get("/layers/conv1/feature-maps?sample=7").json()
    maps = array(client, f"/layers/conv1/feature-maps?image={document['image']}")
    assert np.array([one["values"] for one in document["maps"]], np.float32).tolist() == (
        np.moveaxis(maps, -1, 0).tolist()
    )


def test_upload_gives_the_maps_of_its_token(client: TestClient) -> None:
    posted = client.post(
        "/layers/conv1/feature-maps", files={"file": save(seven())}, params={"format": "npy"}
    )
    token = client.post("/predict", files={"file": save(seven())}).json()["predictions"][0]["image"]
    linked = client.get(f"/layers/conv1/feature-maps?format=npy&image={token}")
    assert posted.content == linked.content


def test_before_the_activation_maps_are_negative_where_they_are_zero_after(
    client: TestClient,
) -> None:
    before = array(client, "/layers/conv1/feature-maps?stage=pre&sample=7")
    after = array(client, "/layers/conv1/feature-maps?sample=7")
    assert before.min() < 0
    assert (np.maximum(before, 0) == after).all()


def test_known_etag_costs_no_forward_pass(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "/layers/conv2/feature-maps?sample=5&format=npy"
    tag = client.get(url).headers["etag"]
    calls = 0
    network, activations = model(client).network, model(client).network.activations

    def counted(images: Any) -> Any:
        nonlocal calls
        calls += 1
        return activations(images)

    monkeypatch.setattr(network, "activations", counted)
    model(client)._cached.clear()
    response = client.get(url, headers={"if-none-match": tag})
    assert (response.status_code, response.content, calls) == (304, b"", 0)
    for _ in range(3):
        assert client.get(url).headers["etag"] == tag
        assert client.get("/layers/conv1/pooled-maps?sample=5").status_code == 200
    assert calls == 1


@pytest.mark.parametrize(
    "changed", ["?sample=6", "?sample=5&format=png", "?sample=5&scale=map", "?model=tiny-photo"]
)
def test_etag_differs_with_all_that_changes_the_answer(client: TestClient, changed: str) -> None:
    tag = client.get("/layers/conv1/feature-maps?sample=5").headers["etag"]
    assert client.get(f"/layers/conv1/feature-maps{changed}").headers["etag"] != tag


def test_etag_differs_when_the_service_itself_does(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "/layers/conv1/feature-maps?sample=5&format=png"
    tag = client.get(url).headers["etag"]
    monkeypatch.setattr(answers, "source_digest", lambda: "another version's code")
    answer = client.get(url, headers={"if-none-match": tag})
    assert (answer.status_code, answer.headers["etag"] != tag) == (200, True)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/layers/conv9/feature-maps", 404),
        ("/layers/conv1/feature-maps/3", 404),
        ("/layers/conv1/feature-maps/-1", 404),
        ("/layers/conv1/feature-maps/one", 422),
        ("/layers/conv1/feature-maps?sample=77", 404),
        ("/layers/conv1/feature-maps?sample=../7", 404),
        ("/layers/conv1/feature-maps?image=", 400),
        ("/layers/conv1/feature-maps?image=AAAA", 400),
        ("/layers/conv1/feature-maps?image=%F0%9F%90%B8", 400),
        ("/layers/conv1/feature-maps?image=AAAA&sample=7", 400),
        ("/layers/conv1/feature-maps?format=gif", 406),
        ("/layers/conv1/feature-maps?stage=mid", 422),
        ("/layers/conv1/feature-maps?scale=world", 422),
        ("/layers/pool1/feature-maps", 409),
        ("/layers/pool1/pooled-maps?stage=pre", 422),
        ("/layers/dense1/feature-maps", 409),
        ("/layers/flatten/pooled-maps", 409),
        ("/layers/conv1", 200),
        ("/layers/conv9", 404),
        ("/models/none", 404),
        ("/nothing", 404),
    ],
)
def test_statuses(client: TestClient, url: str, status: int) -> None:
    response = client.get(url)
    assert response.status_code == status, response.text
    if status != 200:
        assert response.headers["content-type"] == "application/problem+json"


def test_wrong_kind_names_the_right_address(client: TestClient) -> None:
    problem = client.get("/layers/pool1/feature-maps").json()
    assert client.get(problem["url"]).status_code == 200


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("image/png", "image/png"),
        ("image/avif,image/webp,image/*,*/*;q=0.8", "image/png"),
        ("application/json;q=0.5, application/x-npy", "application/x-npy"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("text/html", "application/problem+json"),
        ("nonsense", "application/problem+json"),
    ],
)
def test_accept_chooses(client: TestClient, accept: str, kind: str) -> None:
    response = client.get("/layers/conv1/feature-maps", headers={"accept": accept})
    assert response.headers["content-type"] == kind
    assert response.status_code == (406 if "problem" in kind else 200)
