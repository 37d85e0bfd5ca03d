"""A request whose ETag is known gets 304 without a call of the model."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.models.model import Model
from service.models.registry import Models
from tests.pictures import save, seven

URLS = [
    "/layers/conv1/feature-maps/0/cells/1/1",
    "/layers/pool1/pooled-maps/0/cells/1/1",
    "/layers/conv2/statistics",
    "/layers/conv1/feature-maps?stage=pre",
    "/grad-cam",
    "/grad-cam?label=one&label=two&format=npy",
    "/grad-cam?method=occlusion&format=png",
]


@pytest.fixture
def calls(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the functions that the default model runs from now on; its cache is emptied."""
    models: Models = client.app.state.models  # type: ignore[attr-defined]
    model: Model = models.get()
    made: list[str] = []
    # Loaded here, so that its golden check is not counted.
    saved = asyncio.run(model._saved_model())
    for place, name in ((model.network, "activations"), (saved, "grad_cam"), (model, "_classify")):
        run = getattr(place, name)
        monkeypatch.setattr(place, name, _counted(run, name, made))
    model._cached.clear()
    return made


def _counted(run: Callable[..., Any], name: str, made: list[str]) -> Callable[..., Any]:
    def counted(*inputs: Any) -> Any:
        made.append(name)
        return run(*inputs)

    return counted


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_known_etag_costs_no_call_of_the_model(
    client: TestClient, calls: list[str], url: str, method: str
) -> None:
    content = save(seven()) if method == "POST" else None
    first = client.request(method, url, content=content)
    assert (first.status_code, first.headers["vary"]) == (200, "Accept")
    assert calls
    calls.clear()
    known = {"if-none-match": first.headers["etag"]}
    again = client.request(method, url, content=content, headers=known)
    assert (again.status_code, again.content, calls) == (304, b"", [])


def test_all_layers_and_cells_of_an_image_share_one_pass(
    client: TestClient, calls: list[str]
) -> None:
    for url in URLS[:4]:
        assert client.get(url).status_code == 200
    assert calls == ["activations"]


def test_filters_call_no_model(client: TestClient, calls: list[str]) -> None:
    first = client.get("/layers/conv1/filters?format=npy")
    known = {"if-none-match": first.headers["etag"]}
    assert client.get("/layers/conv1/filters?format=npy", headers=known).status_code == 304
    other = client.get("/layers/conv2/filters?format=npy", headers=known)
    assert (other.status_code, calls) == (200, [])
