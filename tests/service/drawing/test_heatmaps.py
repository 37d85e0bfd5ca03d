"""PNGs of heatmaps."""

import io

import numpy as np
from PIL import Image

from service.drawing import heatmaps


def test_all_zero_heatmap_shows_the_plain_image() -> None:
    pixels = np.full((4, 4, 1), 100, np.uint8)
    png = heatmaps.overlay(pixels, np.zeros((1, 2, 2), np.float32), ["a"], "t")
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert (picture == 24 + 85).all(axis=2).any()
