"""An input shape and a number of classes become the most accurate Keras networks of this project.

They are small enough to be trained on a laptop. Inputs are float32 images in 0..1. Convolutions
have no bias, because the batch normalisation after each has one; the export merges the two into one
layer. Shapes are written beside the layers, batch axis left out.
"""

from typing import Any

import keras
from keras import layers

from training.networks import whitening
from training.networks.fused_batchnorm import BatchNormalization


def mnist(shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> Any:
    """Two strided convolutions, each followed by a residual block."""
    images = keras.Input(shape, name="images")  # 28×28×1
    x = _convolution(images, 48, "conv1", kernel=5, strides=2)  # 14×14×48
    x = _residual(x, 48, "block1")  # 14×14×48
    x = _convolution(x, 128, "conv2", strides=2)  # 7×7×128
    x = _residual(x, 128, "block2")  # 7×7×128
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # 128
    x = layers.Dropout(0.2, name="dropout")(x)  # 128
    x = layers.Dense(classes, activation="softmax", name="output", dtype="float32")(x)  # 10
    return keras.Model(images, x, name="mnist")


def cifar10(shape: tuple[int | None, int | None, int] = (32, 32, 3), classes: int = 10) -> Any:
    """A fixed whitening layer and three blocks: convolution, pooling, two residual convolutions.

    After Keller Jordan's airbench (2024) and David Page's ResNet-9 (2018). Pooling comes before the
    batch normalisation, which then has a quarter of the values to normalise. The normalisation has
    no scale, so that it commutes with max pooling and can be folded into the convolution when the
    network is exported. Height and width may be None.
    """
    images = keras.Input(shape, name="images")  # 32×32×3
    x = layers.Conv2D(24, 2, activation="relu", name=whitening.LAYER)(images)  # 31×31×24
    for number, maps in enumerate((96, 256, 352), 1):
        x = _convolution(x, maps, f"block{number}.conv1", pool=True)  # 15×15, 7×7, 3×3
        change = _convolution(x, maps, f"block{number}.conv2")
        change = _convolution(change, maps, f"block{number}.conv3")
        x = layers.Add(name=f"block{number}.add")([x, change])
    x = layers.GlobalMaxPooling2D(name="pool")(x)  # 352
    x = layers.Dense(classes, activation="softmax", name="output", dtype="float32")(x)  # 10
    network = keras.Model(images, x, name="cifar10")
    network.get_layer(whitening.LAYER).trainable = False
    return network


def _residual(x: Any, maps: int, name: str) -> Any:
    """x + f(x), where f is two convolutions: (h, w, maps) → (h, w, maps)."""
    change = _convolution(x, maps, f"{name}.conv1")
    change = _convolution(change, maps, f"{name}.conv2")
    return layers.Add(name=f"{name}.add")([x, change])


def _convolution(
    x: Any, maps: int, name: str, *, kernel: int = 3, strides: int = 1, pool: bool = False
) -> Any:
    """A convolution with padding SAME, 2×2 max pooling if `pool`, batch normalisation and ReLU."""
    options = {"strides": strides, "padding": "same", "use_bias": False}
    x = layers.Conv2D(maps, kernel, name=name, **options)(x)
    if pool:
        x = layers.MaxPooling2D(2, name=f"{name.replace('conv', 'pool')}")(x)
    x = BatchNormalization(momentum=0.9, scale=not pool, name=f"{name}.norm")(x)
    return layers.Activation("relu", name=f"{name}.relu")(x)
