"""The application as a whole: what it lists, what works offline, what the log keeps."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.observability.access_log import shorten
from tests.pictures import save, seven


def test_documentation_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("/")
        assert client.get(address).status_code == 200
    assert "//cdn" not in page


def test_openapi_document_describes_every_route(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) >= {
        "/predict",
        "/models",
        "/models/{name}",
        "/layers",
        "/layers/{name}",
        "/layers/{name}/feature-maps",
        "/layers/{name}/feature-maps/{index}",
        "/layers/{name}/pooled-maps",
        "/layers/{name}/pooled-maps/{index}",
        "/livez",
        "/readyz",
    }
    operations = [
        operation["operationId"] for path in paths.values() for operation in path.values()
    ]
    assert len(set(operations)) == len(operations)


def test_openapi_document_refers_only_to_what_it_holds(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    def references(node: Any) -> Any:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "$ref":
                    yield value
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    for reference in references(document):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_models_are_listed_with_their_manifests(client: TestClient) -> None:
    listed = client.get("/models").json()
    assert listed["default"] == "tiny-digit"
    assert [one["name"] for one in listed["models"]] == ["tiny-digit", "tiny-photo"]
    assert client.get("/models/tiny-photo").json() == listed["models"][1]
    assert listed["models"][0]["versions"] == [1]


def test_layers_name_addresses_that_work(client: TestClient) -> None:
    layers = client.get("/layers").json()["layers"]
    assert [layer["name"] for layer in layers][:2] == ["conv1", "pool1"]
    for layer in layers:
        for address in layer["links"].values():
            assert client.get(address).status_code == 200
        assert client.get(layer["links"]["self"]).json() == layer


def test_wrong_method_is_a_problem_document(client: TestClient) -> None:
    response = client.delete("/predict")
    assert response.status_code == 405
    assert response.json()["title"] == "Method Not Allowed"
    assert response.headers["allow"] == "POST"


def test_access_log_cuts_tokens_short() -> None:
    assert shorten(f"/x?image={'A' * 500}&b=1") == f"/x?image={'A' * 12}…&b=1"


def test_an_error_of_ours_is_a_500_without_its_text(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr("service.routes.predict._prediction", broken)
    response = client.post("/predict", content=save(seven()))
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
