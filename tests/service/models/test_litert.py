"""LiteRT's copy of a network: any batch gives what each image alone gives, and the SavedModel."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from service.errors import ModelError
from service.manifest import Manifest
from service.models.litert import PIECE, Network

FOLDER = Path(__file__).parents[3] / "models" / "cifar10-lecture-2conv" / "1"
SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(FOLDER, SHAPE)


def random_images(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 2, PIECE - 1, PIECE, 2 * PIECE + 5])
def test_batch_gives_what_each_image_gives_alone(network: Network, count: int) -> None:
    images = random_images(count, count)
    alone = np.concatenate([network.classify(image[np.newaxis]) for image in images])
    assert np.abs(network.classify(images) - alone).max() <= 1e-6


def test_what_is_shown_is_what_answered(network: Network) -> None:
    images = random_images(1)
    shown = network.activations(images)["output"]
    assert (network.classify(images)[:, : shown.shape[1]] == shown).all()


def test_threads_that_look_inside_at_once_get_what_each_gets_alone(network: Network) -> None:
    images = random_images(40)
    alone = [network.activations(image[np.newaxis]) for image in images]
    masks = np.ones(sum(one.output_shape[-1] for one in Manifest.read(FOLDER).convolutions))
    with ThreadPoolExecutor(4) as threads:
        ablated = threads.submit(network.ablation, images, masks.astype(np.float32))
        found = list(threads.map(lambda image: network.activations(image[np.newaxis]), images))
    for one, expected in zip(found, alone, strict=True):
        assert all((one[name] == values).all() for name, values in expected.items())
    outputs = np.concatenate([one["output"] for one in alone])
    assert np.abs(ablated.result()["probabilities"] - outputs).max() <= 1e-5


def test_all_of_it_is_what_the_saved_model_gives(network: Network) -> None:
    images = random_images(PIECE + 3)
    signatures = tf.saved_model.load(str(FOLDER)).signatures
    expected = signatures["serving_default"](images=tf.constant(images))["probabilities"].numpy()
    assert np.abs(network.classify(images)[:, : expected.shape[1]] - expected).max() <= 1e-5
    expected = signatures["activations"](images=tf.constant(images))
    found = network.activations(images)
    assert set(found) == set(expected)
    for name, values in expected.items():
        scale = max(1.0, float(np.abs(values).max()))
        assert np.abs(found[name] - values.numpy()).max() <= 1e-5 * scale, name
    maps = sum(layer.output_shape[-1] for layer in Manifest.read(FOLDER).convolutions)
    masks = (np.arange(maps) % 3 > 0).astype(np.float32)
    expected = signatures["ablation"](images=tf.constant(images), masks=tf.constant(masks))
    ablated = network.ablation(images, masks)
    assert np.abs(ablated["probabilities"] - expected["probabilities"].numpy()).max() <= 1e-5


@pytest.mark.parametrize("content", [b"", b"TFL3" * 9, b"\0" * 99])
@pytest.mark.parametrize("name", ["network.tflite", "weights.npz"])
def test_file_that_is_no_network_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    for one in ("network.tflite", "weights.npz"):
        (tmp_path / one).write_bytes((FOLDER / one).read_bytes())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} cannot be loaded"):
        Network(tmp_path, SHAPE)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"network\.tflite cannot be loaded"):
        Network(tmp_path, SHAPE)
