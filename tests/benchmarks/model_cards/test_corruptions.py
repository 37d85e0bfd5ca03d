"""Every corruption does what its name says, at every strength, and the same each time."""

import numpy as np
import pytest

from benchmarks.model_cards import corruptions
from benchmarks.model_cards.corruptions import CORRUPTIONS, Corruption, Pixels

ALL = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: one.name)
SHAPES = pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
RANDOM = np.random.default_rng(1)


def squares(shape: tuple[int, int, int], count: int = 6) -> Pixels:
    """A light square on a darker background, with a darker corner."""
    images = np.full((count, *shape), 60, np.uint8)
    images[:, 8:20, 8:20] = 180
    images[:, 8:12, 8:12] = 120
    return images


@ALL
@SHAPES
def test_stronger_is_further_from_the_original(
    corruption: Corruption, shape: tuple[int, int, int]
) -> None:
    images = squares(shape, 50)
    corrupted = [corruption(images, strength) for strength in corruption.strengths]
    assert all(one.shape == images.shape and one.dtype == np.uint8 for one in corrupted)
    distances = [np.abs(one.astype(float) - images).mean() for one in corrupted]
    assert 0 < distances[0] < distances[1] < distances[2]


@ALL
def test_same_seed_gives_the_same_result_and_leaves_the_original(corruption: Corruption) -> None:
    images = squares((28, 28, 1))
    strength = corruption.strengths[2]
    assert (corruption(images, strength) == corruption(images, strength)).all()
    assert (images == squares((28, 28, 1))).all()


@ALL
def test_strength_is_said_in_words(corruption: Corruption) -> None:
    words = [corruption.say(strength) for strength in corruption.strengths]
    assert len(set(words)) == 3
    assert all(f"{s:g}" in w for s, w in zip(corruption.strengths, words, strict=True))


def test_brightness_stops_at_white() -> None:
    image = np.array([0, 100, 200, 255], np.uint8).reshape(1, 2, 2, 1)
    brighter = corruptions.brighten(image, 100, RANDOM)
    assert brighter.ravel().tolist() == [100, 200, 255, 255]


def test_contrast_keeps_the_mean() -> None:
    image = np.array([0, 100, 100, 200], np.uint8).reshape(1, 2, 2, 1)
    assert corruptions.flatten(image, 0.4, RANDOM).ravel().tolist() == [60, 100, 100, 140]


def test_translation_moves_by_whole_pixels_and_repeats_the_edge() -> None:
    images = squares((28, 28, 1), 40)
    moved = corruptions.translate(images, 4, np.random.default_rng(1))
    ways = [np.roll(images[0], shift, axis) for axis in (0, 1) for shift in (-4, 4)]
    found = [{i for i, way in enumerate(ways) if (one == way).all()} for one in moved]
    assert set().union(*found) == {0, 1, 2, 3}
    assert all(len(one) == 1 for one in found)


def test_rotation_turns_half_of_the_images_the_other_way() -> None:
    turned = corruptions.rotate(squares((28, 28, 1), 40), 20, np.random.default_rng(1))
    kinds, counts = np.unique(turned.reshape(40, -1), axis=0, return_counts=True)
    assert len(kinds) == 2
    assert counts.min() > 8


def test_occlusion_covers_one_square_with_the_mean_colour() -> None:
    images = np.random.default_rng(2).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    covered = corruptions.occlude(images, 8, np.random.default_rng(1))
    for image, one in zip(images, covered, strict=True):
        mean = image.mean(axis=(0, 1)).round()
        places = (one == mean).all(axis=2)
        rows, columns = np.flatnonzero(places.any(axis=1)), np.flatnonzero(places.any(axis=0))
        assert places.sum() == 64
        assert np.ptp(rows) == np.ptp(columns) == 7
        assert (one[~places] == image[~places]).all()
