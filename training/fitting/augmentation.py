"""Images, float32 (n, h, w, c) in 0..1, become what they might as well have been.

Whatever can be done by copying pixels is: mirrored images, whole shifts, and holes cost next to
nothing. Turns, zooms and elastic changes share one bilinear interpolation.
"""

import math
from functools import reduce
from typing import Any

import tensorflow as tf

from training.recipes import Recipe

KNOTS = 5
"""An elastic change is drawn at 5×5 places and smooth in between."""


def vary(images: Any, mirrored: Any, recipe: Recipe, seed: Any) -> Any:
    """Change every image as `recipe` says; `mirrored` (n,) says which are flipped."""
    if recipe.flip:
        images = tf.where(mirrored[:, None, None, None], tf.reverse(images, [2]), images)
    if recipe.rotation or recipe.zoom or recipe.elastic:
        images = _interpolate(images, _places(images, recipe, seed))
    elif recipe.shift:
        images = _shift(images, int(recipe.shift), seed)
    if recipe.stroke:
        images = _strokes(images, seed + 1)
    if recipe.light:
        images = _relight(images, recipe.light, seed + 4)
    return _cut(images, recipe.cutout, seed + 2) if recipe.cutout else images


def _shift(images: Any, most: int, seed: Any) -> Any:
    """Move each image by whole pixels; what comes in is mirrored at the edge, or blank."""
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    draws = tf.random.stateless_uniform((2, count, 1), seed, 0, 2 * most + 1, tf.int32)
    border = [[0, 0], [most, most], [most, most], [0, 0]]
    padded = tf.pad(images, border, _edge(images))
    rows = tf.gather(padded, draws[0] + tf.range(height), axis=1, batch_dims=1)
    across = draws[1] + tf.range(width)
    turned = tf.transpose(rows, (0, 2, 1, 3))  # (n, w + 2·most, h, c): gather runs along columns
    return tf.transpose(tf.gather(turned, across, axis=1, batch_dims=1), (0, 2, 1, 3))


def _places(images: Any, recipe: Recipe, seed: Any) -> Any:
    """Where each pixel of the varied image comes from: float32 (n, h, w, 2), row and column."""
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    draws = tf.random.stateless_uniform((5, count, 1, 1), seed, -1.0, 1.0)
    angle = draws[0] * math.radians(recipe.rotation)
    scale = 1.0 / (1.0 + draws[1] * recipe.zoom)
    slant = draws[2] * recipe.slant
    y, x = (height - 1) / 2, (width - 1) / 2  # The centre stays where it is.
    rows = tf.reshape(tf.range(height, dtype=tf.float32) - y, (1, height, 1))
    columns = tf.reshape(tf.range(width, dtype=tf.float32) - x, (1, 1, width))
    columns = columns + slant * rows
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    down, right = tf.round(draws[3] * recipe.shift), tf.round(draws[4] * recipe.shift)
    places = tf.stack(
        [cos * rows + sin * columns + y + down, cos * columns - sin * rows + x + right], axis=-1
    )
    if not recipe.elastic:
        return places
    return places + recipe.elastic * _bumps(count, height, width, seed + 3)


def _bumps(count: Any, height: int, width: int, seed: Any) -> Any:
    """Smooth random displacements of unit deviation at the knots: (n, h, w, 2)."""
    knots = tf.random.stateless_normal((count, KNOTS, KNOTS, 2), seed)
    return tf.einsum("yi,nijc,xj->nyxc", _spread(height), knots, _spread(width))


def _spread(size: int) -> Any:
    """How much each knot moves each pixel: Gaussians of one knot's distance, (size, KNOTS)."""
    pixels = tf.linspace(0.0, KNOTS - 1.0, size)[:, tf.newaxis]
    weights = tf.exp(-((pixels - tf.range(KNOTS, dtype=tf.float32)) ** 2) / (2 * 0.6**2))
    return weights / tf.norm(weights, axis=1, keepdims=True)


def _interpolate(images: Any, places: Any) -> Any:
    """The images at `places`, from the four pixels around each."""
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], _edge(images))
    rows = tf.clip_by_value(places[..., 0] + 2.0, 0.0, height + 2.5)
    columns = tf.clip_by_value(places[..., 1] + 2.0, 0.0, width + 2.5)
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = (rows - top)[..., tf.newaxis], (columns - left)[..., tf.newaxis]
    flat = tf.reshape(padded, (-1, images.shape[3]))
    start = tf.range(count)[:, tf.newaxis, tf.newaxis] * ((height + 4) * (width + 4))
    first = start + tf.cast(top, tf.int32) * (width + 4) + tf.cast(left, tf.int32)
    upper = (1 - right) * tf.gather(flat, first) + right * tf.gather(flat, first + 1)
    below = first + width + 4
    lower = (1 - right) * tf.gather(flat, below) + right * tf.gather(flat, below + 1)
    return (1 - down) * upper + down * lower


def _edge(images: Any) -> str:
    """Photographs go on past their edge, digits do not."""
    return "REFLECT" if images.shape[3] == 3 else "CONSTANT"


def _strokes(images: Any, seed: Any) -> Any:
    """Thicken a quarter of the images and thin a quarter, by a part of a pixel."""
    draw = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed, -2.0, 2.0)
    thick = _brightest(_brightest(images, 1, (-1, 0, 1)), 2, (-1, 0, 1))
    thin = -_brightest(_brightest(-images, 1, (0, 1)), 2, (0, 1))
    thickened = images + tf.clip_by_value(draw - 1.0, 0.0, 1.0) * (thick - images)
    return thickened + tf.clip_by_value(-draw - 1.0, 0.0, 0.7) * (thin - images)


def _brightest(images: Any, axis: int, moves: tuple[int, ...]) -> Any:
    """The maximum of copies moved along `axis`; ten times as fast as a pool of one channel."""
    size = images.shape[axis]
    borders = [[1, 1] if i == axis else [0, 0] for i in range(4)]
    padded = tf.pad(images, borders, constant_values=-1.0)
    starts = [[1 + move if i == axis else 0 for i in range(4)] for move in moves]
    sizes = [size if i == axis else -1 for i in range(4)]
    return reduce(tf.maximum, [tf.slice(padded, start, sizes) for start in starts])


def _relight(images: Any, most: float, seed: Any) -> Any:
    """Take contrast from every second image, lift its ground, and strew noise over it."""
    draws = tf.random.stateless_uniform((4, tf.shape(images)[0], 1, 1, 1), seed) * most
    noise = tf.random.stateless_normal(tf.shape(images), seed + 1)
    changed = images * (1 - draws[0]) + draws[1] / 2 + noise * draws[2] / 5
    return tf.where(draws[3] < most / 2, tf.clip_by_value(changed, 0.0, 1.0), images)


def _cut(images: Any, side: int, seed: Any) -> Any:
    """Blank out a square of `side` pixels to the mean of the image (DeVries and Taylor 2017)."""
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    centres = tf.random.stateless_uniform((2, count, 1, 1, 1), seed)
    rows = tf.reshape(tf.range(height, dtype=tf.float32), (1, height, 1, 1))
    columns = tf.reshape(tf.range(width, dtype=tf.float32), (1, 1, width, 1))
    inside = (tf.abs(rows - tf.floor(centres[0] * height) + 0.5) < side / 2) & (
        tf.abs(columns - tf.floor(centres[1] * width) + 0.5) < side / 2
    )
    return tf.where(inside, tf.reduce_mean(images, (1, 2), keepdims=True), images)
