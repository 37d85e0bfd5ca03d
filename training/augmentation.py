"""A split becomes shuffled batches of float32 images in 0..1, varied as the recipe says."""

import math
from typing import Any

import tensorflow as tf

from training.data import Split
from training.recipes import Recipe


def batches(split: Split, recipe: Recipe) -> Any:
    """The training pipeline: pairs of images (batch, h, w, c) in 0..1 and labels (batch,)."""
    examples = tf.data.Dataset.from_tensor_slices((split.images, split.labels))
    shuffled = examples.shuffle(len(split), seed=recipe.seed).batch(recipe.batch_size)
    seeds = tf.data.Dataset.random(seed=recipe.seed, rerandomize_each_iteration=True).batch(2)

    def vary(example: Any, seed: Any) -> Any:
        images, labels = example
        images = tf.cast(images, tf.float32) / 255.0
        return _strokes(_move(images, recipe, seed), recipe, seed), labels

    return tf.data.Dataset.zip(shuffled, seeds).map(vary, num_parallel_calls=1).prefetch(2)


def plain(split: Split, batch_size: int = 500) -> Any:
    """The same for evaluation: in order, nothing varied."""
    examples = tf.data.Dataset.from_tensor_slices((split.images, split.labels)).batch(batch_size)
    return examples.map(lambda images, labels: (tf.cast(images, tf.float32) / 255.0, labels))


def _move(images: Any, recipe: Recipe, seed: Any) -> Any:
    """Turn, shift, zoom and mirror each image by an affine map of its own."""
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    draws = tf.random.stateless_uniform((6, count), seed, -1.0, 1.0)
    if not (recipe.rotation or recipe.shift or recipe.zoom):
        mirrored = draws[2][:, tf.newaxis, tf.newaxis, tf.newaxis] < 0
        return tf.where(mirrored, tf.reverse(images, [2]), images) if recipe.flip else images
    angle = draws[0] * math.radians(recipe.rotation)
    size = 1.0 + draws[1] * recipe.zoom
    mirror = tf.sign(draws[2]) if recipe.flip else tf.ones_like(size)
    a, b = mirror * tf.cos(angle) / size, -tf.sin(angle) / size
    c, d = mirror * tf.sin(angle) / size, tf.cos(angle) / size
    x, y = (width - 1) / 2, (height - 1) / 2  # The centre stays where it is.
    right = tf.round(draws[3] * recipe.shift) + x - a * x - b * y
    down = tf.round(draws[4] * recipe.shift) + y - c * x - d * y
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, right, c, d, down, zero, zero], axis=1),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT" if images.shape[3] == 3 else "CONSTANT",
    )


def _strokes(images: Any, recipe: Recipe, seed: Any) -> Any:
    """Thicken a quarter of the images and thin a quarter, by a part of a pixel."""
    if not recipe.stroke:
        return images
    draw = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed + 1, -2.0, 2.0)
    thick = tf.nn.max_pool2d(images, 3, 1, "SAME")
    thin = -tf.nn.max_pool2d(-images, 2, 1, "SAME")
    thickened = images + tf.clip_by_value(draw - 1.0, 0.0, 1.0) * (thick - images)
    return thickened + tf.clip_by_value(-draw - 1.0, 0.0, 0.7) * (thin - images)
