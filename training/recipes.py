"""A recipe's name becomes the recipe: a network, its data set and its training settings."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from training.datasets.named import VALIDATION
from training.errors import RecipeError
from training.networks import lecture, lowlevel, strong
from training.precision import Precision, supported


@dataclass(frozen=True)
class Recipe:
    """One experiment. The optimizer's settings have the meaning that Keras gives them."""

    network: Callable[..., Any]
    data: str
    """The data set: mnist, cifar10, or folder for a folder of images."""
    optimizer: Literal["adam", "adadelta", "rmsprop", "sgd", "muon"]
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int = 1
    precision: Precision = "float32"
    """The type that layers compute in; weights and probabilities are always float32."""
    validation: int = VALIDATION
    """Number of training images that are held out to choose the best epoch."""
    schedule: Literal["constant", "cosine", "trapezoid"] = "constant"
    warmup: float = 0.0
    """Epochs over which the learning rate rises linearly to its full value."""
    cooldown: float = 0.0
    """Share of all epochs, at the end, in which the rate of a trapezoid falls linearly to 0."""
    weight_decay: float = 0.0
    """Decoupled weight decay: each step takes this share, times the rate, off every kernel."""
    smoothing: float = 0.0
    """Label smoothing: the share of the target that is spread over all classes."""
    average: float = 0.0
    """Decay of the exponential moving average of the weights; 0 for no average."""
    rotation: float = 0.0
    """Largest rotation of a training image, in degrees."""
    shift: float = 0.0
    """Largest shift, in pixels."""
    zoom: float = 0.0
    """Largest change of scale, as a share of the image's size."""
    flip: bool = False
    """Flip half of the training images horizontally, and the other half in the next epoch."""
    stroke: bool = False
    """Thicken or thin the strokes of half the training images by up to one pixel."""
    slant: float = 0.0
    """Largest shear, in pixels per row."""
    elastic: float = 0.0
    """Standard deviation of an elastic (smooth random) displacement of the pixels, in pixels."""
    light: float = 0.0
    """Strength of random changes of contrast, brightness and noise, 0 to 1."""
    cutout: int = 0
    """Side of a random square that is replaced by the image's mean, in pixels; 0 for none."""
    coarse: float = 0.0
    """Factor by which height and width of the training images are scaled in the first epochs; the
    network must accept images of any size."""
    coarse_share: float = 0.0
    """Share of all epochs, at the start, that use the scaled images."""
    lecture: float | None = None
    """Test accuracy that the lecture reports, for comparison only."""
    note: str = ""
    """A remark for the report."""

    def describe(self) -> dict[str, str | int | float | bool | None]:
        """The recipe as the manifest stores it: everything that influences the weights."""
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
        lecture.mnist_lecture,
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
        lecture.mnist_lecture_same,
        "mnist",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=8,
        schedule="cosine",
    ),
    "mnist-adadelta": Recipe(
        lecture.mnist_lecture,
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
        lecture.mnist_lecture,
        "mnist",
        optimizer="adadelta",
        learning_rate=0.001,
        batch_size=100,
        epochs=1,
        note="Like mnist-adadelta, with the default learning rate of Keras 3.",
    ),
    # Each pair of dense and convolutional networks has the same recipe, so that only the
    # architecture differs.
    "mnist-convolution": Recipe(lecture.mnist_lecture, "mnist", **_PLAIN),
    "mnist-dense": Recipe(lecture.mnist_dense, "mnist", **_PLAIN),
    "cifar10-dense": Recipe(lecture.cifar10_dense, "cifar10", epochs=16, **_ADAM),
    # Without Keras layers, see training/networks/lowlevel.py.
    "mnist-lowlevel": Recipe(
        lowlevel.mnist_lowlevel,
        "mnist",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=8,
        schedule="cosine",
    ),
    # With the lecture's initialisation, to compare it with a better one.
    "mnist-lowlevel-stddev1": Recipe(
        lowlevel.mnist_lowlevel_stddev1,
        "mnist",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=128,
        epochs=8,
        schedule="cosine",
    ),
    # With the lecture's name scopes, which `--logdir` shows in TensorBoard.
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
        lecture.cifar10_lecture_2conv, "cifar10", epochs=16, lecture=0.7244, **_ADAM
    ),
    "cifar10-lecture-2conv-rmsprop": Recipe(
        lecture.cifar10_lecture_2conv,
        "cifar10",
        epochs=16,
        learning_rate=0.0007,
        lecture=0.7173,
        **_RMSPROP,
    ),
    "cifar10-lecture-3conv": Recipe(
        lecture.cifar10_lecture_3conv, "cifar10", epochs=9, lecture=0.7458, **_ADAM
    ),
    "cifar10-lecture-3conv-rmsprop": Recipe(
        lecture.cifar10_lecture_3conv,
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
"""Recipes that `convlens reproduce` trains by default."""
PAIRS = (("mnist-dense", "mnist-convolution"), ("cifar10-dense", "cifar10-lecture-2conv"))
"""Pairs of a dense and a convolutional network with the same recipe."""

FOLDER = Recipe(
    lecture.cifar10_lecture_2conv,
    "folder",
    optimizer="adam",
    learning_rate=0.001,
    batch_size=32,
    epochs=20,
    schedule="cosine",
    shift=2,
)
"""Recipe for a folder of images when no other is named."""


def find(name: str) -> Recipe:
    """The recipe called `name`, in float32 if this processor has no bfloat16 instructions.

    Raises RecipeError, which lists the recipes, if there is none.
    """
    if name not in RECIPES:
        raise RecipeError(f"There is no recipe {name!r}; there is: {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    return replace(recipe, precision=supported(recipe.precision))
