"""A decoded picture becomes a model's uint8 input, in steps that are named in the answer."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.images import digits
from service.images.decode import Picture
from service.manifest import Preparation

Pixels = NDArray[np.uint8]
Shape = tuple[int, int, int]

BLACK_BORDER = 9
"""Largest mean grey of the border of an image that is light on black; MNIST's reach 8.3."""
UNCHANGED = "already what the model was trained on: unchanged"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model's input, uint8 (h, w, c), and the steps that made it, in words."""

    pixels: Pixels
    steps: tuple[str, ...]


def prepare(picture: Picture, how: Preparation, shape: Shape) -> Prepared:
    """`picture` as the input, of `shape` (h, w, c), of a model with the preparation `how`."""
    if how == "digit":
        return _digit(picture, shape)
    return _photo(picture, shape)


def as_trained(pixels: Pixels, how: Preparation, shape: Shape) -> Prepared | None:
    """`pixels`, uint8 (h, w) or (h, w, 3), unchanged; None unless they are like training images."""
    if how == "photo":
        fits = pixels.size == shape[0] * shape[1] * shape[2]
        return Prepared(pixels.reshape(shape), (UNCHANGED,)) if fits else None
    grey = pixels if pixels.ndim == 2 else _grey(pixels)
    if grey is None or grey.shape != shape[:2] or not _light_on_dark(grey):
        return None
    return Prepared(_with_channels(grey, shape[2]), (UNCHANGED,))


def _digit(picture: Picture, shape: Shape) -> Prepared:
    height, width, channels = shape
    image = picture.image
    if image.size == (width, height) and image.mode in ("L", "RGB"):
        unchanged = as_trained(np.asarray(image), "digit", shape)
        if unchanged is not None:
            return Prepared(unchanged.pixels, (*picture.steps, UNCHANGED))
    rgb, flattened = flatten(image, digits.ground(image))
    pixels, steps = digits.isolate(np.asarray(rgb), (height, width))
    return Prepared(_with_channels(pixels, channels), (*picture.steps, *flattened, *steps))


def _grey(rgb: Pixels) -> Pixels | None:
    """One channel (h, w) of `rgb` when its three are equal, else None."""
    return rgb[..., 0] if (rgb == rgb[..., :1]).all() else None


def _light_on_dark(grey: Pixels) -> bool:
    """Whether the border is black and the mean below a half: light ink on a black background."""
    height, width = grey.shape
    whole, inner = cv2.sumElems(grey)[0], cv2.sumElems(grey[1:-1, 1:-1])[0]
    return whole - inner < BLACK_BORDER * 2 * (height + width - 2) and whole < 128 * grey.size


def _photo(picture: Picture, shape: Shape) -> Prepared:
    height, width, channels = shape
    image, steps = flatten(picture.image, 255)
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
        steps = (*steps, f"converted to {'grey' if mode == 'L' else 'RGB'}")
    if image.size == (width, height):
        steps = steps if steps else (*steps, UNCHANGED)
    else:
        image, more = _fit(image, width, height)
        steps = (*steps, *more)
    pixels = np.asarray(image, dtype=np.uint8).reshape(shape)
    return Prepared(pixels, (*picture.steps, *steps))


def _fit(image: Image.Image, width: int, height: int) -> tuple[Image.Image, list[str]]:
    """Crop the centre to the target's aspect ratio, then average areas, or enlarge bicubically."""
    share = min(image.width / width, image.height / height)
    crop = max(1, round(width * share)), max(1, round(height * share))
    left, top = (image.width - crop[0]) // 2, (image.height - crop[1]) // 2
    steps = []
    if crop != image.size:
        steps.append(f"cropped to the centre {crop[0]}×{crop[1]}")
    way = Image.Resampling.BOX if share >= 1 else Image.Resampling.BICUBIC
    box = (left, top, left + crop[0], top + crop[1])
    steps.append(f"resized to {width}×{height}")
    return image.resize((width, height), way, box=box), steps


def flatten(image: Image.Image, ground: int) -> tuple[Image.Image, tuple[str, ...]]:
    """`image` without alpha, of mode L or RGB, over a grey `ground` of 0..255, and the steps."""
    if image.mode not in ("LA", "RGBA"):
        return image, ()
    plain = "L" if image.mode == "LA" else "RGB"
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert(plain), ()
    under = Image.new(plain, image.size, ground if plain == "L" else (ground,) * 3)
    under.paste(image.convert(plain), mask=alpha)
    name = {0: "black", 255: "white"}[ground]
    return under, (f"flattened transparency onto {name}",)


def _with_channels(grey: Pixels, channels: int) -> Pixels:
    one = grey[..., np.newaxis]
    return one if channels == 1 else np.repeat(one, channels, axis=2)
