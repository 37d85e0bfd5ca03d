"""A model's outputs by name and shape, and the limit on the values of an answer."""

from pathlib import Path

import numpy as np
import pytest

from service.errors import NotFound, TooLarge
from service.manifest import Manifest
from service.models.folder import find
from service.models.litert import Network
from service.protocols import outputs

ROOT = Path(__file__).parents[3]


@pytest.fixture
def manifest(tiny_models: Path) -> Manifest:
    return Manifest.read(tiny_models / "tiny-digit" / "1")


@pytest.mark.parametrize("folder", find(ROOT / "models"), ids=lambda folder: folder.parent.name)
def test_shapes_are_those_of_the_network(folder: Path) -> None:
    manifest = Manifest.read(folder)
    network = Network(folder, manifest.input_shape)
    found = network.activations(np.zeros((1, *manifest.input_shape), np.uint8))
    listed = outputs.shapes(manifest)
    assert {name: values.shape[1:] for name, values in found.items()} == {
        name: shape for name, shape in listed.items() if name != "probabilities"
    }


def test_unknown_output_names_those_that_exist(manifest: Manifest) -> None:
    with pytest.raises(NotFound, match="conv1, conv1/pre"):
        outputs.check(manifest, ["conv9"], 1, 1)


def test_too_large_an_answer_is_refused_before_it_is_computed(manifest: Manifest) -> None:
    outputs.check(manifest, ["conv1"], 2, 2 * 12 * 12 * 3)
    with pytest.raises(TooLarge, match="fewer outputs"):
        outputs.check(manifest, ["conv1"], 2, 2 * 12 * 12 * 3 - 1)
