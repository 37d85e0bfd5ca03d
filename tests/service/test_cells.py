"""Every number of every map can be taken apart, and the parts add up to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service import tokens
from service.app import create_app
from service.manifest import Layer, Manifest
from service.models import find
from service.settings import Settings
from tests.pictures import save, seven

MODELS = Path(__file__).parent.parent.parent / "models"
SHIPPED = [(folder.parent.name, folder) for folder in find(MODELS)]


@pytest.fixture(scope="module")
def shipped() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models=MODELS))) as client:
        yield client


def cases(layer: Layer, random: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Corners, edges and a few places between, each in a random map."""
    height, width, maps = layer.output_shape
    for row in {0, height - 1, int(random.integers(height))}:
        for column in {0, width - 1, int(random.integers(width))}:
            yield int(random.integers(maps)), row, column


def check(client: TestClient, model: str, layer: Layer, cell: tuple[int, int, int]) -> None:
    index, row, column = cell
    kind = "feature-maps" if layer.kind == "convolution" else "pooled-maps"
    url = f"/layers/{layer.name}/{kind}/{index}"
    sample = "frog" if model.startswith(("cifar10", "tiny-photo")) else "7"
    query = f"model={model}&sample={sample}"
    answer = client.get(f"{url}/cells/{row}/{column}?{query}")
    assert answer.status_code == 200, answer.text
    parts = answer.json()
    value = client.get(f"{url}?{query}").json()["values"][row][column]
    assert parts["model_value"] == pytest.approx(value, abs=1e-6)
    assert parts["difference"] <= 1e-4 * max(1.0, abs(value))
    if layer.kind == "convolution":
        check_convolution(parts)
    else:
        check_pooling(parts)
    box = parts["receptive_field"]
    assert np.shape(box["pixels"])[:2] == (box["bottom"] - box["top"], box["right"] - box["left"])


def check_convolution(parts: dict[str, Any]) -> None:
    for channel in parts["inputs"]:
        window, kernel = np.array(channel["window"]), np.array(channel["kernel"])
        assert np.allclose(window * kernel, channel["products"])
        assert np.sum(channel["products"]) == pytest.approx(channel["subtotal"])
        assert not window[np.array(channel["is_padding"])].any()
    assert sum(one["subtotal"] for one in parts["inputs"]) == pytest.approx(parts["sum"], abs=1e-9)
    assert parts["sum"] + parts["bias"] == pytest.approx(parts["pre"], abs=1e-9)
    assert parts["value"] == max(0, parts["pre"])


def check_pooling(parts: dict[str, Any]) -> None:
    window = np.ma.array(parts["window"], mask=parts["is_padding"])
    if parts["method"] == "average":
        assert parts["value"] == pytest.approx(float(window.mean()))
        return
    assert parts["value"] == window.max()
    places = [parts["winner"], *parts["ties"]]
    assert [[one["row"], one["col"]] for one in places] == np.argwhere(
        (window == window.max()).filled(False)
    ).tolist()


@pytest.mark.parametrize(("name", "folder"), SHIPPED, ids=[name for name, _ in SHIPPED])
def test_cells_of_shipped_models(shipped: TestClient, name: str, folder: Path) -> None:
    random = np.random.default_rng(4)
    for layer in Manifest.read(folder).layers:
        if layer.kernel is not None:
            for cell in cases(layer, random):
                check(shipped, name, layer, cell)


@pytest.mark.parametrize("name", ["tiny-digit", "tiny-photo"])
def test_cells_under_same_padding_and_strides(
    client: TestClient, tiny_models: Path, name: str
) -> None:
    random = np.random.default_rng(4)
    for layer in Manifest.read(tiny_models / name / "1").layers:
        if layer.kernel is not None:
            for cell in cases(layer, random):
                check(client, name, layer, cell)


def test_receptive_field_is_all_that_changes_the_cell(client: TestClient) -> None:
    """Pixels outside the box leave the cell as it is; some pixel inside does not."""
    random = np.random.default_rng(8)
    pixels = random.integers(0, 256, (12, 12, 1), dtype=np.uint8)
    url = "/layers/conv2/feature-maps/1/cells/1/0"

    def ask(image: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.get(url, params={"image": tokens.encode(image)}).json()
        return answer

    before = ask(pixels)
    box = before["receptive_field"]
    inside = np.zeros((12, 12, 1), bool)
    inside[box["top"] : box["bottom"], box["left"] : box["right"]] = True
    noise = random.integers(0, 256, pixels.shape, dtype=np.uint8)
    assert ask(np.where(inside, pixels, noise))["pre"] == before["pre"]
    assert ask(np.where(inside, noise, pixels))["pre"] != before["pre"]


def test_upload_is_taken_apart_as_well(client: TestClient) -> None:
    answer = client.post("/layers/conv1/feature-maps/0/cells/5/5", files={"file": save(seven())})
    token = answer.json()["image"]
    linked = client.get(f"/layers/conv1/feature-maps/0/cells/5/5?image={token}")
    assert linked.json() == answer.json()


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/layers/conv1/feature-maps/0/cells/12/0", 404),
        ("/layers/conv1/feature-maps/0/cells/0/-1", 404),
        ("/layers/conv1/feature-maps/3/cells/0/0", 404),
        ("/layers/pool1/feature-maps/0/cells/0/0", 409),
        ("/layers/dense1/feature-maps/0/cells/0/0", 409),
        ("/layers/conv1/feature-maps/0/cells/a/0", 422),
    ],
)
def test_places_that_do_not_exist_are_refused(client: TestClient, url: str, status: int) -> None:
    assert client.get(url).status_code == status


def test_known_etag_is_unchanged(client: TestClient) -> None:
    url = "/layers/conv1/feature-maps/0/cells/1/1"
    tag = client.get(url).headers["etag"]
    assert client.get(url, headers={"if-none-match": tag}).status_code == 304
