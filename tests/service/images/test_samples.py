"""The pictures that ship: there, small, and what they are called."""

from pathlib import Path

import numpy as np
import pytest

from service.errors import NotFound
from service.images import decode, reader, samples
from service.manifest import Preparation
from service.models.folder import read_manifest
from service.models.litert import Network

KINDS: tuple[Preparation, ...] = ("digit", "photo")
MODELS = Path(__file__).parents[3] / "models"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_ships_one_picture_a_class(kind: Preparation) -> None:
    labels = {"digit": "0123456789", "photo": "airplane automobile bird cat deer dog frog horse"}
    assert len(samples.names(kind)) == 10
    expected = list(labels["digit"]) if kind == "digit" else labels["photo"].split()
    assert list(samples.names(kind))[: len(expected)] == expected
    assert sum(len(samples.data(kind, name)) for name in samples.names(kind)) < 400_000


@pytest.mark.parametrize("name", ["", "10", "../digit/7", "7.png", "/etc/passwd", "frog"])
def test_unknown_name_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(NotFound, match="0, 1, 2"):
        samples.data("digit", name)


def test_digits_are_read_as_what_they_are_called() -> None:
    folder = MODELS / "mnist-lecture" / "1"
    manifest = read_manifest(folder)
    network = Network(folder, manifest.input_shape)
    for name in samples.names("digit"):
        pixels = reader.read(samples.data("digit", name), manifest, decode.Limits()).pixels
        assert network.classify(pixels[np.newaxis])[0, :10].argmax() == int(name)
