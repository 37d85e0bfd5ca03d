"""An input shape and a number of classes become the lecture's networks as Keras models.

Inputs are float32 images in 0..1. Shapes are written beside the layers, batch axis left out.
"""

from typing import Any

import keras
from keras import layers


def mnist_lecture(shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> Any:
    """Two 3×3 convolutions without padding, each with 2×2 max pooling, and two dense layers."""
    return keras.Sequential(
        [
            keras.Input(shape, name="images"),  # 28×28×1
            layers.Conv2D(32, 3, activation="relu", name="conv1"),  # 26×26×32
            layers.MaxPooling2D(2, name="pool1"),  # 13×13×32
            layers.Conv2D(64, 3, activation="relu", name="conv2"),  # 11×11×64
            layers.MaxPooling2D(2, name="pool2"),  # 5×5×64
            layers.Flatten(name="flatten"),  # 1600
            layers.Dense(128, activation="relu", name="dense1"),  # 128
            layers.Dropout(0.5, name="dropout"),  # 128
            layers.Dense(classes, activation="softmax", name="output"),  # 10
        ]
    )


def mnist_lecture_same(shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> Any:
    """`mnist_lecture` with SAME padding and without dropout."""
    return keras.Sequential(
        [
            keras.Input(shape, name="images"),  # 28×28×1
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1"),  # 28×28×32
            layers.MaxPooling2D(2, padding="same", name="pool1"),  # 14×14×32
            layers.Conv2D(64, 3, padding="same", activation="relu", name="conv2"),  # 14×14×64
            layers.MaxPooling2D(2, padding="same", name="pool2"),  # 7×7×64
            layers.Flatten(name="flatten"),  # 3136
            layers.Dense(128, activation="relu", name="dense1"),  # 128
            layers.Dense(classes, activation="softmax", name="output"),  # 10
        ]
    )


def mnist_dense(shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> Any:
    """As deep as `mnist_lecture`, with dense layers instead of its convolutions.

    It has 251,658 weights and `mnist_lecture` 225,034, so a lower accuracy is not due to a lack of
    weights.
    """
    return keras.Sequential(
        [
            keras.Input(shape, name="images"),  # 28×28×1
            layers.Flatten(name="flatten"),  # 784
            layers.Dense(256, activation="relu", name="dense1"),  # 256
            layers.Dense(128, activation="relu", name="dense2"),  # 128
            layers.Dense(128, activation="relu", name="dense3"),  # 128
            layers.Dropout(0.5, name="dropout"),  # 128
            layers.Dense(classes, activation="softmax", name="output"),  # 10
        ]
    )


def cifar10_dense(shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10) -> Any:
    """`mnist_dense` for colour images: 837,386 weights; `cifar10_lecture_2conv` has 545,098."""
    return mnist_dense(shape, classes)


def cifar10_lecture_2conv(shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10) -> Any:
    """Two blocks of convolution, ReLU and max pooling, and two dense layers."""
    return keras.Sequential(
        [
            keras.Input(shape, name="images"),  # 32×32×3
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1"),  # 32×32×32
            layers.MaxPooling2D(2, name="pool1"),  # 16×16×32
            layers.Conv2D(64, 3, padding="same", activation="relu", name="conv2"),  # 16×16×64
            layers.MaxPooling2D(2, name="pool2"),  # 8×8×64
            layers.Flatten(name="flatten"),  # 4096
            layers.Dropout(0.3, name="dropout"),  # 4096
            layers.Dense(128, activation="relu", name="dense1"),  # 128
            layers.Dense(classes, activation="softmax", name="output"),  # 10
        ]
    )


def cifar10_lecture_3conv(shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10) -> Any:
    """Three blocks of convolution, ReLU and max pooling, and two dense layers."""
    return keras.Sequential(
        [
            keras.Input(shape, name="images"),  # 32×32×3
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1"),  # 32×32×32
            layers.MaxPooling2D(2, name="pool1"),  # 16×16×32
            layers.Conv2D(64, 3, padding="same", activation="relu", name="conv2"),  # 16×16×64
            layers.MaxPooling2D(2, name="pool2"),  # 8×8×64
            layers.Conv2D(128, 3, padding="same", activation="relu", name="conv3"),  # 8×8×128
            layers.MaxPooling2D(2, name="pool3"),  # 4×4×128
            layers.Flatten(name="flatten"),  # 2048
            layers.Dropout(0.3, name="dropout"),  # 2048
            layers.Dense(128, activation="relu", name="dense1"),  # 128
            layers.Dense(classes, activation="softmax", name="output"),  # 10
        ]
    )
