"""The table of what can be trained: a name becomes a network, its data and how it is fitted."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from training import lowlevel, networks
from training.data import VALIDATION, Name
from training.errors import RecipeError


@dataclass(frozen=True)
class Recipe:
    """One experiment; rates and sizes as Keras takes them."""

    network: Callable[..., Any]
    data: Name
    optimizer: Literal["adam", "adadelta", "rmsprop", "sgd"]
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int = 1
    validation: int = VALIDATION
    """Training images that are held back to choose the epoch."""
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = 0.0
    """Epochs in which the rate of a cosine schedule rises to its height."""
    weight_decay: float = 0.0
    """Share of a kernel that goes with each step, times the rate."""
    smoothing: float = 0.0
    """Share of the target that is spread over all classes."""
    average: float = 0.0
    """How much an exponential moving average of the weights keeps at each step; 0 for none."""
    rotation: float = 0.0
    """Largest turn of a training image, in degrees."""
    shift: float = 0.0
    """Largest shift, in pixels."""
    zoom: float = 0.0
    """Largest change of size, as a share."""
    flip: bool = False
    """Mirror half of the training images left to right, the other half in the next epoch."""
    stroke: bool = False
    """Thicken or thin the strokes of some training images by one pixel."""
    slant: float = 0.0
    """Largest shear, in pixels a row."""
    elastic: float = 0.0
    """Deviation of a smooth displacement of every pixel, in pixels."""
    cutout: int = 0
    """Side of a square that is blanked out, in pixels."""

    def describe(self) -> dict[str, str | int | float | bool | None]:
        """The recipe as the manifest keeps it."""
        return {**asdict(self), "network": self.network.__name__}


RECIPES: dict[str, Recipe] = {
    "mnist-lecture": Recipe(
        networks.mnist_lecture,
        "mnist",
        optimizer="adam",
        learning_rate=0.002,
        batch_size=128,
        epochs=14,
        schedule="cosine",
        rotation=12,
        shift=2,
        zoom=0.12,
        stroke=True,
    ),
    "mnist-lecture-same": Recipe(
        networks.mnist_lecture_same,
        "mnist",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=8,
        schedule="cosine",
    ),
    # Trained as mnist-lecture is, so that the network alone makes the difference.
    "mnist-dense": Recipe(
        networks.mnist_dense,
        "mnist",
        optimizer="adam",
        learning_rate=0.002,
        batch_size=128,
        epochs=14,
        schedule="cosine",
        rotation=12,
        shift=2,
        zoom=0.12,
        stroke=True,
    ),
    # Without Keras layers: see training/lowlevel.py.
    "mnist-lowlevel": Recipe(
        lowlevel.mnist_lowlevel,
        "mnist",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=8,
        schedule="cosine",
    ),
    # The lecture's first weights, to be seen beside the better ones.
    "mnist-lowlevel-stddev1": Recipe(
        lowlevel.mnist_lowlevel_stddev1,
        "mnist",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=8,
        schedule="cosine",
    ),
    # The same with the lecture's name scopes, which `--logdir` shows in TensorBoard.
    "mnist-scopes": Recipe(
        lowlevel.mnist_scopes,
        "mnist",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=4,
        schedule="cosine",
    ),
    "cifar10-lecture-2conv": Recipe(
        networks.cifar10_lecture_2conv,
        "cifar10",
        optimizer="adam",
        learning_rate=0.0015,
        batch_size=128,
        epochs=15,
        schedule="cosine",
        flip=True,
    ),
    "cifar10-lecture-3conv": Recipe(
        networks.cifar10_lecture_3conv,
        "cifar10",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=20,
        schedule="cosine",
        shift=3,
        flip=True,
    ),
}


def find(name: str) -> Recipe:
    """The recipe called `name`; RecipeError lists those that exist."""
    if name not in RECIPES:
        raise RecipeError(f"There is no recipe {name!r}; there is: {', '.join(RECIPES)}.")
    return RECIPES[name]
