"""The short way for small PNGs gives what the long way gives, or stands aside."""

import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.errors import ServiceError, TooLarge
from service.images import decode, prepare, reader
from service.manifest import Manifest
from tests.pictures import save

MODELS = Path(__file__).parents[3] / "models"
DIGIT = Manifest.read(MODELS / "mnist-lecture" / "1")
PHOTO = Manifest.read(MODELS / "cifar10-lecture-2conv" / "1")
LIMITS = decode.Limits()


def digit() -> bytes:
    grey = np.zeros((28, 28), np.uint8)
    grey[6:22, 12:16] = np.random.default_rng(3).integers(100, 256, (16, 4))
    return save(Image.fromarray(grey))


def photo() -> bytes:
    return save(Image.fromarray(np.random.default_rng(4).integers(0, 256, (32, 32, 3), np.uint8)))


def the_long_way(data: bytes, manifest: Manifest) -> prepare.Prepared | None:
    try:
        return reader.decode_and_prepare(decode.open_image(data, decode.Limits()), manifest)
    except ServiceError:
        return None


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


@pytest.mark.parametrize(("data", "manifest"), [(digit(), DIGIT), (photo(), PHOTO)])
def test_short_way_is_taken_and_gives_the_same(data: bytes, manifest: Manifest) -> None:
    short, long = reader.read_trained_png(data, manifest, LIMITS), the_long_way(data, manifest)
    assert short is not None
    assert long is not None
    assert (short.pixels == long.pixels).all()
    assert short.steps == long.steps


@pytest.mark.parametrize(
    "data",
    [
        digit()[:33] + chunk(b"tRNS", b"\0\0") + digit()[33:],
        digit()[:33] + chunk(b"eXIf", b"MM\0*" + bytes(9)) + digit()[33:],
        digit() + b"\0",
        digit()[:-12],
        save(
            Image.open(Path(MODELS.parent, "docs", "images", "conv1-feature-maps.png")).convert("L")
        ),
        save(Image.new("LA", (28, 28))),
        save(Image.new("L", (28, 28)), "GIF"),
        save(Image.new("L", (28, 28), 255)),
    ],
)
def test_anything_that_could_be_read_otherwise_goes_the_long_way(data: bytes) -> None:
    assert reader.read_trained_png(data, DIGIT, LIMITS) is None


@pytest.mark.parametrize(("data", "manifest"), [(digit(), DIGIT), (photo(), PHOTO)])
def test_damage_never_gives_other_pixels_than_the_long_way(data: bytes, manifest: Manifest) -> None:
    rng = random.Random(5)
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 3))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if rng.random() < 0.3:
            del damaged[rng.randrange(len(damaged)) : rng.randrange(len(damaged))]
        short = reader.read_trained_png(bytes(damaged), manifest, LIMITS)
        if short is not None:
            long = the_long_way(bytes(damaged), manifest)
            assert long is not None
            assert (short.pixels == long.pixels).all()


def test_file_limit_holds_for_pngs_of_the_models_shape() -> None:
    data = digit()
    limits = decode.Limits(bytes=len(data) - 1)
    with pytest.raises(TooLarge, match=f"{len(data)} bytes"):
        reader.read(data, DIGIT, limits)
    assert reader.read(data, DIGIT, decode.Limits(bytes=len(data))).steps == (prepare.UNCHANGED,)
