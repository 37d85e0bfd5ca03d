"""Tiny real models with random weights: what the service's tests load in place of trained ones.

TensorFlow is imported by the function that needs it, so that the process which only shares the
tests out, and a worker whose tests copy models that exist, start without it.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.manifest import Manifest, Preparation
from training.datasets.named import Dataset, Split

if TYPE_CHECKING:
    from training.networks.layers import ExportedLayer

LABELS = ("one", "two", "three")

exported_folder: Path | None = None
"""Where the processes of this test run keep what one of them exported; set by tests/conftest.py."""


def tiny_model(
    folder: Path,
    *,
    shape: tuple[int, int, int] = (12, 12, 1),
    preparation: Preparation = "digit",
    labels: tuple[str, ...] = LABELS,
    seed: int = 1,
) -> Manifest:
    """Write a tiny model to `folder`, .../<name>/<version>, and return its manifest.

    An export takes a second, so each model is exported once in a test run and then copied.
    """

    def export(folder: Path) -> None:
        from training.exporting import write_model

        dataset = tiny_dataset(shape, labels, preparation, seed=seed)
        recipe: write_model.RecipeRecord = {"network": "tiny", "seed": seed}
        write_model.export(tiny_layers(shape, len(labels), seed), dataset, recipe, folder)

    source = _exported_once(repr((shape, preparation, labels, seed)), export)
    shutil.copytree(source, folder)
    manifest = Manifest.read(folder).model_copy(
        update={"name": folder.parent.name, "version": int(folder.name)}
    )
    manifest.write(folder)
    return manifest


def _exported_once(what: str, export: Callable[[Path], None]) -> Path:
    """The folder of the model `what`, exported by the first process of the test run to ask."""
    assert exported_folder is not None, "tests/conftest.py sets it"
    folder = exported_folder / hashlib.sha256(what.encode()).hexdigest()[:16] / "1"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Until the file is closed.
        if not folder.exists():
            export(folder)
    return folder


def tiny_layers(shape: tuple[int, int, int], classes: int, seed: int = 1) -> "list[ExportedLayer]":
    """Three maps under SAME, then four under VALID with stride 2, of which the last is dead."""
    from training.networks import layers

    random = np.random.default_rng(seed)

    def draw(*size: int) -> NDArray[np.float32]:
        return random.normal(0, 0.5, size).astype(np.float32)

    height, width, channels = shape
    alive = np.array([4, 2, 0, -100], np.float32)
    features = _after(height) * _after(width) * 4
    return [
        layers.convolution(
            "conv1",
            "images",
            draw(3, 3, channels, 3),
            np.array([2, 0.5, 0], np.float32),
            padding="SAME",
            activation="relu",
        ),  # h×w×3
        layers.pooling("pool1", "conv1"),  # h/2×w/2×3
        layers.convolution(
            "conv2", "pool1", draw(3, 3, 3, 4), alive, strides=(2, 2), activation="relu"
        ),  # 2×2×4 when h and w are 12
        layers.pooling("pool2", "conv2", "average", strides=(1, 1), padding="SAME"),  # 2×2×4
        layers.flatten("flatten", "pool2"),  # 16
        layers.dense("dense1", "flatten", draw(features, 5), draw(5), activation="relu"),  # 5
        layers.dropout("dropout", "dense1"),  # 5
        layers.dense("output", "dropout", draw(5, classes), draw(classes), activation="softmax"),
    ]


def residual_model(folder: Path, *, blocks: int = 4, maps: int = 64) -> Manifest:
    """Write a network of `blocks` residual blocks and a global pool, its names with dots."""
    from training.exporting import write_model
    from training.networks import layers

    random = np.random.default_rng(5)

    def draw(side: int, channels: int) -> NDArray[np.float32]:
        spread = (2 / (side * side * channels)) ** 0.5
        return random.normal(0, spread, (side, side, channels, maps)).astype(np.float32)

    last = "stem.conv"
    network = [layers.convolution(last, "images", draw(3, 3), padding="SAME", activation="relu")]
    for name in (f"block{i + 1}" for i in range(blocks)):
        for part, source in (("conv1", last), ("conv2", f"{name}.conv1")):
            relu = "relu" if part == "conv1" else None
            kernel = draw(3, maps)
            network.append(
                layers.convolution(
                    f"{name}.{part}", source, kernel, padding="SAME", activation=relu
                )
            )
        network.append(layers.add(f"{name}.sum", last, f"{name}.conv2"))
        last = f"{name}.relu"
        network.append(layers.activation(last, f"{name}.sum", "relu"))
    network.append(layers.global_average_pooling("pool", last))
    network.append(layers.dense("output", "pool", draw(1, maps)[0, 0, :, :3], activation="softmax"))
    dataset = tiny_dataset((12, 12, 3), LABELS, "photo", count=4)
    return write_model.export(network, dataset, {"network": "residual"}, folder)


def dense_model(folder: Path) -> Manifest:
    """Write a network without any convolution."""
    from training.exporting import write_model
    from training.networks import layers

    random = np.random.default_rng(2)

    def draw(*size: int) -> NDArray[np.float32]:
        return random.normal(0, 0.3, size).astype(np.float32)

    network = [
        layers.flatten("flatten", "images"),  # 144
        layers.dense("dense1", "flatten", draw(144, 20), draw(20), activation="relu"),  # 20
        layers.dense("output", "dense1", draw(20, 3), draw(3), activation="softmax"),  # 3
    ]
    return write_model.export(network, tiny_dataset(count=4), {"network": "dense"}, folder)


def tiny_dataset(
    shape: tuple[int, int, int] = (12, 12, 1),
    labels: tuple[str, ...] = LABELS,
    preparation: Preparation = "digit",
    *,
    count: int = 24,
    seed: int = 1,
) -> Dataset:
    """Random images with random labels, `count` in each split."""
    random = np.random.default_rng(seed)

    def split() -> Split:
        images = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        return Split(images, random.integers(0, len(labels), count))

    return Dataset(labels, preparation, split(), split(), split())


def write_npz(path: Path, *, count: int = 40, **replaced: Any) -> None:
    """An .npz of random images laid out like MNIST's or CIFAR-10's, as its file name says.

    `replaced` puts other arrays in the place of some; None leaves one out.
    """
    random = np.random.default_rng(1)
    shape = {"mnist": (28, 28), "cifar10": (32, 32, 3)}[path.stem]
    arrays: dict[str, Any] = {}
    for part in ("train", "test"):
        arrays[f"x_{part}"] = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"y_{part}"] = random.integers(0, 10, count, dtype=np.uint8)
    arrays.update(replaced)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def _after(size: int) -> int:
    """The side of the last maps: halved by pool1, then VALID 3×3 with stride 2."""
    return (size // 2 - 3) // 2 + 1
