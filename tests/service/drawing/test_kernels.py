"""PNGs of kernels."""

import io

import numpy as np
from PIL import Image

from service.drawing import kernels, palettes


def test_kernels_have_a_palette_of_their_own() -> None:
    values = np.random.default_rng(1).normal(size=(3, 3, 1, 4)).astype(np.float32)
    picture = np.asarray(Image.open(io.BytesIO(kernels.draw(values, "t"))).convert("RGB"))
    colours = set(map(tuple, picture.reshape(-1, 3).tolist()))
    expected = palettes.symmetric(values, "brown-teal").colours(values)
    assert set(map(tuple, expected.reshape(-1, 3).tolist())) <= colours


def test_means_over_many_channels_use_the_whole_palette() -> None:
    values = np.random.default_rng(1).normal(size=(3, 3, 64, 16)).astype(np.float32)
    image = Image.open(io.BytesIO(kernels.draw(values, "t")))
    means = values.mean(axis=2)
    expected = palettes.symmetric(means, "brown-teal").colours(means)
    colours = set(map(tuple, np.asarray(image.convert("RGB")).reshape(-1, 3).tolist()))
    assert set(map(tuple, expected.reshape(-1, 3).tolist())) <= colours
    assert float(image.info["Maximum"]) == float(means.max())


def test_composite_shows_zero_as_mid_grey_and_no_bar_of_another_palette() -> None:
    values = np.zeros((2, 2, 3, 2), np.float32)
    values[0, 0, :, 0] = (1, 0, -1)
    image = Image.open(io.BytesIO(kernels.draw(values, "t", composite=True)))
    pixels = np.asarray(image.convert("RGB"))
    colours = set(map(tuple, pixels.reshape(-1, 3).tolist()))
    assert {(255, 128, 1), (128, 128, 128)} <= colours
    assert colours.isdisjoint({tuple(one) for one in palettes.BROWN_TEAL[[0, -1]].tolist()})
