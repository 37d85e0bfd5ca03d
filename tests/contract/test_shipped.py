"""The models in the repository, on the data sets: what they promise is what they do."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.synthetic_photos import photograph
from service.images import decode, reader
from service.images.prepare import Prepared
from service.manifest import Manifest
from service.models.folder import read_manifest
from service.models.litert import Network
from tests.pictures import save

MODELS = Path(__file__).parent.parent.parent / "models"
AT_LEAST = {
    "mnist": 0.997,
    "mnist-lecture": 0.99,
    "cifar10-lecture-2conv": 0.732,
    "cifar10-lecture-3conv": 0.78,
    "cifar10": 0.915,
}
DATA = os.environ.get("CONVLENS_TEST_DATA")
needs_data = pytest.mark.skipif(
    DATA is None, reason="CONVLENS_TEST_DATA names no folder with mnist.npz and cifar10.npz"
)


def load(name: str) -> tuple[Manifest, Network]:
    folder = max((MODELS / name).iterdir())
    manifest = read_manifest(folder)
    return manifest, Network(folder, manifest.input_shape)


def prepare(data: bytes, manifest: Manifest) -> Prepared:
    return reader.read(data, manifest, decode.Limits())


@needs_data
@pytest.mark.parametrize("name", AT_LEAST)
def test_accuracy_on_all_test_images_is_the_manifests(name: str) -> None:
    manifest, network = load(name)
    arrays = np.load(f"{DATA}/{'mnist' if name.startswith('mnist') else 'cifar10'}.npz")
    pixels = arrays["x_test"].reshape(-1, *manifest.input_shape)
    answers = network.classify(pixels)[:, :10].argmax(1)
    accuracy = float((answers == arrays["y_test"]).mean())
    assert accuracy >= AT_LEAST[name]
    assert accuracy == pytest.approx(manifest.metrics.accuracy, abs=0.0005)


@needs_data
@pytest.mark.parametrize("name", AT_LEAST)
def test_lossless_test_images_pass_through_unchanged(name: str) -> None:
    manifest = load(name)[0]
    arrays = np.load(f"{DATA}/{'mnist' if name.startswith('mnist') else 'cifar10'}.npz")
    for pixels in arrays["x_test"][:300]:
        prepared = prepare(save(Image.fromarray(pixels)), manifest)
        assert (prepared.pixels == pixels.reshape(manifest.input_shape)).all()


@needs_data
def test_photographed_digits_come_out_right() -> None:
    manifest, network = load("mnist-lecture")
    arrays = np.load(f"{DATA}/mnist.npz")
    digits, labels = arrays["x_train"][-5000:], arrays["y_train"][-5000:]
    rng = np.random.default_rng(11)
    chosen = rng.permutation(len(digits))[:16]
    scenes = [photograph(digits[i], rng) for i in chosen]
    pixels = np.stack([prepare(scene.jpeg, manifest).pixels for scene in scenes])
    assert (network.classify(pixels)[:, :10].argmax(1) == labels[chosen]).mean() >= 0.85
