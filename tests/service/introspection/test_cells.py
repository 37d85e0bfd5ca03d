"""Every cell of every map is shown as arithmetic, and that arithmetic gives the cell's value."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from fastapi.testclient import TestClient

from service.app import create_app
from service.images import tokens
from service.introspection import cells
from service.manifest import POOLING, Layer, Manifest
from service.models.folder import find
from service.routes import links
from service.settings import Settings
from tests.exported_models import tiny_dataset
from tests.pictures import save, seven
from training.exporting import write_model
from training.networks import layers

MODELS = Path(__file__).parents[3] / "models"
SHIPPED = [(folder.parent.name, folder) for folder in find(MODELS)]


@pytest.fixture(scope="module")
def shipped() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models=MODELS))) as client:
        yield client


def has_cells(layer: Layer) -> bool:
    return layer.kernel is not None or layer.kind in POOLING | cells.POINTWISE


def cases(layer: Layer, random: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Corners, edges and a random row and column, each in a random map."""
    height, width, maps = (1, 1, *layer.output_shape)[-3:]
    for row in {0, height - 1, int(random.integers(height))}:
        for column in {0, width - 1, int(random.integers(width))}:
            yield int(random.integers(maps)), row, column


def check(client: TestClient, model: str, layer: Layer, cell: tuple[int, int, int]) -> None:
    index, row, column = cell
    kind = "pooled-maps" if layer.kind in POOLING else "feature-maps"
    url = f"/layers/{layer.name}/{kind}/{index}"
    sample = "frog" if model.startswith(("cifar10", "tiny-photo")) else "7"
    query = f"model={model}&sample={sample}"
    answer = client.get(f"{url}/cells/{row}/{column}?{query}")
    assert answer.status_code == 200, answer.text
    parts = answer.json()
    value = client.get(f"{url}?{query}").json()["values"][row][column]
    assert parts["model_value"] == pytest.approx(value, abs=1e-6)
    assert parts["difference"] <= parts["bound"]
    if "inputs" in parts:
        check_convolution(parts)
    elif "terms" in parts:
        assert sum(one["value"] for one in parts["terms"]) == pytest.approx(parts["pre"])
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
    if parts["activation"] == "relu":
        assert parts["value"] == max(0, parts["pre"])
    # Within 1e-4 of Σ|term|, which is the sum itself if no terms cancel.
    mass = sum(float(np.abs(one["products"]).sum()) for one in parts["inputs"])
    assert parts["difference"] <= 1e-4 * (mass + abs(parts["bias"])) + 1e-6
    if parts["activation"] in (None, "relu"):  # One unit roundoff a term.
        terms = sum(np.size(one["products"]) for one in parts["inputs"]) + 1
        assert parts["bound"] <= 1.01 * (terms + 1) * 2**-24 * (mass + abs(parts["bias"])) + 1e-6


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
        if has_cells(layer) and links.kind_of_maps(layer):
            for cell in cases(layer, random):
                check(shipped, name, layer, cell)


def array(client: TestClient, url: str, **query: str) -> Any:
    answer = client.get(url, params={**query, "format": "npy"})
    assert answer.status_code == 200, answer.text
    return np.load(io.BytesIO(answer.content))


@pytest.mark.parametrize(("name", "folder"), SHIPPED, ids=[name for name, _ in SHIPPED])
def test_cells_agree_with_tensorflow_in_double_precision(
    shipped: TestClient, name: str, folder: Path
) -> None:
    random = np.random.default_rng(7)
    manifest = Manifest.read(folder)
    pixels = random.integers(0, 256, manifest.input_shape, dtype=np.uint8)
    query = {"model": name, "image": tokens.encode(pixels)}
    for layer in manifest.layers:
        if layer.kind != "convolution":
            continue
        (source,) = layer.inputs
        fed = pixels / 255 if source == "images" else maps_of(shipped, manifest, source, query)
        kernel = np.asarray(array(shipped, f"/layers/{layer.name}/filters", model=name), np.float64)
        bias = shipped.get(f"/layers/{layer.name}/filters", params={"model": name}).json()["bias"]
        exact = convolve(fed, kernel, layer) + bias
        mass = convolve(np.abs(fed), np.abs(kernel), layer) + np.abs(bias)
        url = f"/layers/{layer.name}/feature-maps"
        # Where terms do not cancel, the network is within 1e-4 of the exact sum.
        found = array(shipped, url, stage="pre", **query)
        whole = np.abs(exact) >= mass / 100
        assert whole.mean() > 0.5
        assert (np.abs(found - exact)[whole] <= 1e-4 * np.abs(exact)[whole]).all()
        for index, row, column in cases(layer, random):
            parts = shipped.get(f"{url}/{index}/cells/{row}/{column}", params=query).json()
            assert abs(parts["pre"] - exact[row, column, index]) <= 1e-6 * mass[row, column, index]
            assert parts["difference"] <= parts["bound"]
            spread = layer.strides[0], layer.strides[1]  # type: ignore[index]
            corner = parts["top"] - row * spread[0], parts["left"] - column * spread[1]
            assert all(-side < one <= 0 for one, side in zip(corner, kernel.shape, strict=False))


def maps_of(client: TestClient, manifest: Manifest, name: str, query: dict[str, str]) -> Any:
    kind = links.kind_of_maps(next(one for one in manifest.layers if one.name == name))
    return np.asarray(array(client, f"/layers/{name}/{kind}", **query), np.float64)


def convolve(maps: Any, kernel: Any, layer: Layer) -> Any:
    return tf.nn.conv2d(maps[np.newaxis], kernel, layer.strides, layer.padding).numpy()[0]


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
    """Noise outside the box leaves the cell unchanged; noise inside changes it."""
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


def test_uploaded_image_has_the_cells_of_its_token(client: TestClient) -> None:
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
def test_cells_that_do_not_exist_are_refused(client: TestClient, url: str, status: int) -> None:
    assert client.get(url).status_code == status


def test_known_etag_is_unchanged(client: TestClient) -> None:
    url = "/layers/conv1/feature-maps/0/cells/1/1"
    tag = client.get(url).headers["etag"]
    assert client.get(url, headers={"if-none-match": tag}).status_code == 304


@pytest.fixture(scope="module")
def branched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """SAME with stride 2 on even and odd sides, a skip over two convolutions, one without bias."""
    random = np.random.default_rng(6)

    def draw(*size: int) -> Any:
        return random.normal(0, 0.4, size).astype(np.float32)

    network = [
        layers.convolution(
            "conv1",
            "images",
            draw(3, 5, 1, 4),
            draw(4),
            strides=(2, 2),
            padding="SAME",
            activation="gelu",
        ),  # 12×13×1 → 6×7×4
        layers.convolution(
            "conv2", "conv1", draw(3, 3, 4, 4), draw(4), padding="SAME", activation="silu"
        ),
        layers.convolution("conv3", "conv2", draw(2, 2, 4, 4), padding="SAME", activation="tanh"),
        layers.add("block1.sum", "conv1", "conv3"),
        layers.pooling("pool1", "block1.sum", kernel=(3, 3), padding="SAME"),  # 3×4×4
        layers.convolution(
            "conv4",
            "pool1",
            draw(2, 2, 4, 3),
            draw(3),
            strides=(2, 2),
            padding="SAME",
            activation="softmax",
        ),  # 2×2×3
        layers.pooling("pool2", "conv4", "average", strides=(1, 1), padding="SAME"),
        layers.global_average_pooling("pool3", "pool2"),
        layers.dense("output", "pool3", draw(3, 3), draw(3), activation="softmax"),
    ]
    models = tmp_path_factory.mktemp("branched")
    write_model.export(network, tiny_dataset((12, 13, 1)), {"seed": 6}, models / "branched" / "1")
    with TestClient(create_app(Settings(models=models, default_model="branched"))) as client:
        yield client


def test_cells_of_uneven_padding_and_other_activations(branched: TestClient) -> None:
    random = np.random.default_rng(4)
    for layer in branched.app.state.models.get().manifest.layers:  # type: ignore[attr-defined]
        if has_cells(layer) and layer.activation != "softmax":
            for cell in cases(layer, random):
                check(branched, "branched", layer, cell)


@pytest.mark.parametrize(
    ("url", "box"),
    [
        ("conv1/feature-maps/0/cells/5/6", (10, 10, 12, 13)),  # surplus padding at the end
        ("conv1/feature-maps/0/cells/0/0", (0, 0, 3, 3)),
        ("conv3/feature-maps/0/cells/0/0", (0, 0, 7, 7)),
        (
            "pool1/pooled-maps/0/cells/0/0",
            (0, 0, 11, 9),
        ),  # the skip connection has the smaller field
    ],
)
def test_receptive_field_holds_every_path_to_the_cell(
    branched: TestClient, url: str, box: tuple[int, ...]
) -> None:
    field = branched.get(f"/layers/{url}").json()["receptive_field"]
    assert (field["top"], field["left"], field["bottom"], field["right"]) == box


def test_cells_of_softmax_layers_are_refused(branched: TestClient) -> None:
    for url in ("conv4/feature-maps", "output/feature-maps"):
        answer = branched.get(f"/layers/{url}/0/cells/0/0")
        assert answer.status_code == 409, answer.text


def test_sum_of_branches_names_their_layers(branched: TestClient) -> None:
    answer = branched.get("/layers/block1.sum/feature-maps/2/cells/3/4").json()
    assert [one["layer"] for one in answer["terms"]] == ["conv1", "conv3"]
    for one in answer["terms"]:
        there = branched.get(f"/layers/{one['layer']}/feature-maps/2").json()["values"][3][4]
        assert one["value"] == pytest.approx(there)


def test_window_of_global_pooling_is_the_whole_map(branched: TestClient) -> None:
    answer = branched.get("/layers/pool3/pooled-maps/1/cells/0/0").json()
    whole = branched.get("/layers/pool2/pooled-maps/1").json()["values"]
    assert np.array(answer["window"]) == pytest.approx(np.array(whole))
    assert answer["value"] == pytest.approx(np.mean(answer["window"]))


@pytest.mark.parametrize("name", ["silu", "gelu", "tanh", "sigmoid"])
def test_activations_are_finite_for_large_inputs(name: str) -> None:
    low, high = cells.ACTIVATIONS[name](-1e6), cells.ACTIVATIONS[name](1e6)
    assert abs(low) <= 1
    assert high in (1, 1e6)
