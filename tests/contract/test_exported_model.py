"""training → models → service: what Keras computes is what the service answers."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from fastapi.testclient import TestClient
from keras import layers
from numpy.typing import NDArray
from PIL import Image

from service.app import create_app
from service.settings import Settings
from tests.exported_models import tiny_dataset
from tests.pictures import save
from training.exporting import from_keras, write_model

SHAPE = (14, 14, 3)
NAMES = ("conv1", "pool1", "conv2", "pool2")


@pytest.fixture(scope="module")
def network() -> Any:
    """A small Keras network, trained for a few steps on random images."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(2, padding="same", name="pool1"),
            layers.Conv2D(5, 3, strides=2, activation="relu", name="conv2"),
            layers.MaxPooling2D(2, strides=1, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(8, activation="relu", name="dense1"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(3, activation="softmax", name="output"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    train = tiny_dataset(SHAPE, preparation="photo", count=64).train
    model.fit(train.images / 255.0, train.labels, epochs=3, batch_size=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def client(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    models = tmp_path_factory.mktemp("models")
    dataset = tiny_dataset(SHAPE, preparation="photo")
    write_model.export(from_keras.convert(network), dataset, {"seed": 3}, models / "trained" / "1")
    settings = Settings(models=models, default_model="trained")
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (20, *SHAPE), dtype=np.uint8)


def outputs(network: Any, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Keras' own output of every layer."""
    probe = keras.Model(network.inputs[0], [layer.output for layer in network.layers])
    values = probe(images.astype(np.float32) / 255.0, training=False)
    return {
        layer.name: np.asarray(value) for layer, value in zip(network.layers, values, strict=True)
    }


def test_probabilities_are_those_of_keras(
    network: Any, client: TestClient, images: NDArray[np.uint8]
) -> None:
    files = [("file", save(Image.fromarray(image))) for image in images]
    predictions = client.post("/predict", files=files).json()["predictions"]
    answered = [list(one["probabilities"].values()) for one in predictions]
    assert np.abs(answered - outputs(network, images)["output"]).max() <= 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_those_of_keras(
    network: Any, client: TestClient, images: NDArray[np.uint8], name: str
) -> None:
    kind = "feature-maps" if name.startswith("conv") else "pooled-maps"
    expected = outputs(network, images[:4])[name]
    for image, maps in zip(images[:4], expected, strict=True):
        response = client.post(
            f"/layers/{name}/{kind}?format=npy", content=save(Image.fromarray(image))
        )
        answered = np.load(io.BytesIO(response.content))
        assert answered.shape == maps.shape
        assert np.abs(answered - maps).max() <= 1e-5


def test_every_layer_of_keras_is_there_with_its_values(
    network: Any, client: TestClient, images: NDArray[np.uint8]
) -> None:
    expected = outputs(network, images[:1])
    names = ",".join(expected)
    (answer,) = client.post(
        f"/predict?layers={names}", content=save(Image.fromarray(images[0]))
    ).json()["predictions"]
    for name, values in expected.items():
        answered = np.array(answer["maps"][name]["values"])
        if answered.ndim == 3:
            answered = np.moveaxis(answered, 0, -1)
        assert np.abs(answered - values[0]).max() <= 1e-5


def test_parameters_are_counted_as_keras_counts(network: Any, client: TestClient) -> None:
    served = client.get("/models/trained").json()
    counted = {layer.name: layer.count_params() for layer in network.layers}
    assert {layer["name"]: layer["parameters"] for layer in served["layers"]} == counted
    assert served["parameters"] == network.count_params()


def test_models_folder_is_one_that_tensorflow_serving_loads(client: TestClient) -> None:
    models: Path = client.app.state.settings.models  # type: ignore[attr-defined]
    folder = models / "trained" / "1"
    assert {path.name for path in folder.iterdir()} >= {"saved_model.pb", "variables"}
    assert not any(path.name.startswith(".") for path in folder.parent.iterdir())
