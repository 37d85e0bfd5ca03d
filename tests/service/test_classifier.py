"""LiteRT's copy of a network: any batch gives what each image alone gives, and the SavedModel."""

from pathlib import Path

import numpy as np
import pytest

from service import runtime
from service.classifier import SIZES, Classifier
from service.errors import ModelError

FOLDER = Path(__file__).parent.parent.parent / "models" / "cifar10-lecture-2conv" / "1"
SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def classify() -> Classifier:
    return Classifier(FOLDER, SHAPE)


@pytest.mark.parametrize("count", [1, 2, SIZES[1], SIZES[0] - 1, SIZES[0], 2 * SIZES[0] + 5])
def test_batch_gives_what_each_image_gives_alone(classify: Classifier, count: int) -> None:
    images = np.random.default_rng(count).integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    alone = np.concatenate([classify(image[np.newaxis]) for image in images])
    assert np.abs(classify(images) - alone).max() <= 1e-6


def test_rows_are_those_of_the_saved_model(classify: Classifier) -> None:
    images = np.random.default_rng(1).integers(0, 256, (9, *SHAPE), dtype=np.uint8)
    expected = runtime.Network(FOLDER).activations(images)["output"]
    assert np.abs(classify(images)[:, : expected.shape[1]] - expected).max() <= 1e-5


@pytest.mark.parametrize("content", [b"", b"TFL3" * 9, b"\0" * 99])
def test_file_that_is_no_network_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "predict.tflite").write_bytes(content)
    with pytest.raises(ModelError, match=r"predict\.tflite cannot be loaded"):
        Classifier(tmp_path, SHAPE)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"predict\.tflite cannot be loaded"):
        Classifier(tmp_path, SHAPE)
