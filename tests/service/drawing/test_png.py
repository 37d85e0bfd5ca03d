"""PNG files read by Pillow hold the pixels and notes that were encoded."""

import io

import numpy as np
import pytest
from PIL import Image

from service.drawing import png


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (40, 300)])
def test_palette_indices_are_read_back(size: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    palette = random.integers(0, 256, (256, 3), dtype=np.uint8)
    entries = random.integers(0, 256, size, dtype=np.uint8)
    image = Image.open(io.BytesIO(png.encode(entries, palette, {})))
    assert (image.format, image.mode) == ("PNG", "P")
    assert (np.asarray(image) == entries).all()
    assert (np.asarray(image.convert("RGB")) == palette[entries]).all()


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (64, 200)])
def test_rgb_colours_are_read_back(size: tuple[int, int]) -> None:
    colours = np.random.default_rng(4).integers(0, 256, (*size, 3), dtype=np.uint8)
    image = Image.open(io.BytesIO(png.encode(colours, None, {})))
    assert image.mode == "RGB"
    assert (np.asarray(image) == colours).all()


def test_notes_in_any_script_are_read_back() -> None:
    notes = {"Title": "net · 합성곱", "Shape": "2 x 3"}
    image = Image.open(io.BytesIO(png.encode(np.zeros((2, 3, 3), np.uint8), None, notes)))
    image.load()
    assert image.info == notes


def test_checksum_of_every_chunk_is_right() -> None:
    image = Image.open(io.BytesIO(png.encode(np.zeros((2, 3, 3), np.uint8), None, {"a": "b"})))
    image.verify()
