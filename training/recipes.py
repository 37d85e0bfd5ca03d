"""The table of experiments: a name becomes a network, its data and how it is fitted."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from training.datasets.named import VALIDATION
from training.errors import RecipeError
from training.networks import lecture as networks
from training.networks import lowlevel, strong
from training.precision import Precision, suited


@dataclass(frozen=True)
class Recipe:
    """One experiment; rates and sizes as Keras takes them."""

    network: Callable[..., Any]
    data: str
    """mnist, cifar10, or a folder of images."""
    optimizer: Literal["adam", "adadelta", "rmsprop", "sgd", "muon"]
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int = 1
    precision: Precision = "float32"
    """What layers compute in; weights and probabilities are float32 in either case."""
    validation: int = VALIDATION
    """Training images that are held back to choose the epoch."""
    schedule: Literal["constant", "cosine", "trapezoid"] = "constant"
    warmup: float = 0.0
    """Epochs in which the rate rises to its height."""
    cooldown: float = 0.0
    """Share of all epochs in which the rate of a trapezoid falls to zero, at the end."""
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
    light: float = 0.0
    """Most of the contrast that every second image loses; its ground grows lighter and noisy."""
    cutout: int = 0
    """Side of a square that is blanked out, in pixels."""
    coarse: float = 0.0
    """Share of height and width to which training images shrink at first; its network must take
    images of any size."""
    coarse_share: float = 0.0
    """Share of all epochs in which they do, at the start."""
    lecture: float | None = None
    """The accuracy that the lecture reports for it; plays no part in training."""
    note: str = ""
    """What a reader of the report must know; plays no part in training."""

    def describe(self) -> dict[str, str | int | float | bool | None]:
        """The recipe as the manifest keeps it: all that decides the weights."""
        record = {**asdict(self), "network": self.network.__name__}
        return {key: value for key, value in record.items() if key not in ("lecture", "note")}


_PLAIN: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 0.001,
    "batch_size": 128,
    "epochs": 5,
    "schedule": "cosine",
}
_CIFAR10: dict[str, Any] = {
    "batch_size": 64,
    "schedule": "cosine",
    "smoothing": 0.1,
    "average": 0.999,
    "flip": True,
}
_ADAM: dict[str, Any] = {**_CIFAR10, "optimizer": "adam", "learning_rate": 0.001}
_RMSPROP: dict[str, Any] = {**_CIFAR10, "optimizer": "rmsprop"}

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
    "mnist-adadelta": Recipe(
        networks.mnist_lecture,
        "mnist",
        optimizer="adadelta",
        learning_rate=1.0,
        batch_size=100,
        epochs=1,
        lecture=0.9681,
        note="The lecture's Keras gave Adadelta a learning rate of 1.0. Keras 3's default is 0.001,"
        " which reaches about 21 % in the same epoch where 1.0 reaches about 98 %.",
    ),
    "mnist-adadelta-default": Recipe(
        networks.mnist_lecture,
        "mnist",
        optimizer="adadelta",
        learning_rate=0.001,
        batch_size=100,
        epochs=1,
        note="The same with Keras 3's default rate, to show what it costs.",
    ),
    # Two networks trained alike, so that what they are made of alone makes the difference.
    "mnist-convolution": Recipe(networks.mnist_lecture, "mnist", **_PLAIN),
    "mnist-dense": Recipe(networks.mnist_dense, "mnist", **_PLAIN),
    "cifar10-dense": Recipe(networks.cifar10_dense, "cifar10", epochs=16, **_ADAM),
    # Without Keras layers: see training/networks/lowlevel.py.
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
    "mnist": Recipe(
        strong.mnist,
        "mnist",
        optimizer="adam",
        learning_rate=0.004,
        batch_size=256,
        epochs=36,
        seed=2,
        precision="bfloat16",
        schedule="trapezoid",
        warmup=1,
        cooldown=0.6,
        weight_decay=0.02,
        average=0.999,
        rotation=12,
        shift=2,
        zoom=0.12,
        slant=0.2,
        elastic=0.6,
        stroke=True,
        light=0.5,
    ),
    "cifar10": Recipe(
        strong.cifar10,
        "cifar10",
        optimizer="muon",
        learning_rate=0.04,
        batch_size=512,
        epochs=56,
        precision="bfloat16",
        schedule="trapezoid",
        warmup=1,
        cooldown=1.0,
        average=0.998,
        shift=4,
        flip=True,
        light=0.4,
        cutout=10,
        coarse=0.75,
        coarse_share=0.625,
    ),
    "cifar10-lecture-2conv": Recipe(
        networks.cifar10_lecture_2conv, "cifar10", epochs=16, lecture=0.7244, **_ADAM
    ),
    "cifar10-lecture-2conv-rmsprop": Recipe(
        networks.cifar10_lecture_2conv,
        "cifar10",
        epochs=16,
        learning_rate=0.0007,
        lecture=0.7173,
        **_RMSPROP,
    ),
    "cifar10-lecture-3conv": Recipe(
        networks.cifar10_lecture_3conv, "cifar10", epochs=9, lecture=0.7458, **_ADAM
    ),
    "cifar10-lecture-3conv-rmsprop": Recipe(
        networks.cifar10_lecture_3conv,
        "cifar10",
        epochs=9,
        learning_rate=0.001,
        lecture=0.7302,
        **_RMSPROP,
    ),
}

LECTURE = (
    "mnist-adadelta",
    "mnist-adadelta-default",
    "mnist-convolution",
    "mnist-dense",
    "cifar10-dense",
    "cifar10-lecture-2conv",
    "cifar10-lecture-2conv-rmsprop",
    "cifar10-lecture-3conv",
    "cifar10-lecture-3conv-rmsprop",
)
"""What `convlens reproduce` trains unless told otherwise."""
PAIRS = (("mnist-dense", "mnist-convolution"), ("cifar10-dense", "cifar10-lecture-2conv"))
"""Dense networks and the convolutional ones that were trained in the same way."""

FOLDER = Recipe(
    networks.cifar10_lecture_2conv,
    "folder",
    optimizer="adam",
    learning_rate=0.001,
    batch_size=32,
    epochs=20,
    schedule="cosine",
    shift=2,
)
"""For somebody's own images, unless another recipe is named."""


def find(name: str) -> Recipe:
    """The recipe called `name`, in a precision that suits this processor.

    RecipeError lists those that exist.
    """
    if name not in RECIPES:
        raise RecipeError(f"There is no recipe {name!r}; there is: {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    return replace(recipe, precision=suited(recipe.precision))
