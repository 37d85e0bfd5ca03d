"""`manifest.json`, the description in a model folder, is read, checked and written.

Training writes it, the service reads it.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

FILE_NAME = "manifest.json"
GRAPH = "saved_model.pb"
LITE = "network.tflite"
WEIGHTS = "weights.npz"

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$")]
Preparation = Literal["digit", "photo"]
Kind = Literal[
    "activation",
    "add",
    "average_pooling",
    "batch_normalization",
    "convolution",
    "dense",
    "dropout",
    "flatten",
    "global_average_pooling",
    "global_max_pooling",
    "max_pooling",
    "scaling",
]

POOLING: frozenset[Kind] = frozenset(
    {"average_pooling", "global_average_pooling", "global_max_pooling", "max_pooling"}
)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Layer(_Record):
    """One layer of the network."""

    name: Name
    kind: Kind
    output_shape: tuple[int, ...] = Field(description="Shape of the output without the batch axis.")
    inputs: tuple[str, ...] = Field(
        description="Layers whose outputs it takes; `images` is the model's input."
    )
    kernel: tuple[int, int] | None = Field(
        None, description="Height and width of the window, for convolution and pooling."
    )
    strides: tuple[int, int] | None = Field(
        None, description="Cells from one window to the next, down and right."
    )
    padding: Literal["SAME", "VALID"] | None = None
    activation: str | None = Field(
        None, description="Activation function applied to the layer's result."
    )
    parameters: int = Field(0, ge=0, description="Number of parameters, trainable or not.")
    formula: str | None = Field(None, description="How the number of parameters is calculated.")


class Metrics(_Record):
    """The model's figures on the test set, which influenced no choice made in training."""

    accuracy: float = Field(ge=0, le=1)
    loss: float
    images: int = Field(gt=0, description="Number of test images.")
    calibration_error: float | None = Field(
        None, ge=0, le=1, description="Expected calibration error over 15 bins."
    )
    foreign: dict[str, float] | None = Field(
        None,
        description="By kind of foreign image, the area under the ROC curve of `unfamiliar`: how"
        " often such an image scores higher than a test image.",
    )
    unfamiliar: float | None = Field(
        None, description="Share of test images whose `unfamiliar` is above 0.5."
    )
    remark: str | None = Field(None, description="What a reader must know about these figures.")


class Golden(_Record):
    """A synthetic input and the network's output at export, which the service checks at load."""

    name: str
    image: str = Field(description="The input as an image token, see `service.images.tokens`.")
    probabilities: tuple[float, ...]


class MapStatistics(_Record):
    """Figures of one layer's maps over the whole test set, one number a map.

    `zeros` is the share of cells that are exactly 0; a map whose `zeros` is 1 is dead.
    """

    zeros: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    mean: tuple[float, ...]


class Manifest(_Record):
    """All that the service needs to know about a model, without its training code."""

    name: Name
    version: int = Field(ge=1)
    labels: tuple[str, ...] = Field(min_length=2)
    input_shape: tuple[int, int, int] = Field(
        description="Height, width and channels of the uint8 input."
    )
    preparation: Preparation = Field(
        description="How an uploaded image becomes the input: `digit` finds ink, `photo` resizes."
    )
    layers: tuple[Layer, ...] = Field(min_length=1)
    parameters: int = Field(ge=0)
    metrics: Metrics
    temperature: float = Field(
        1.0,
        gt=0,
        description="Temperature T of the calibration: probabilities are softmax(logits / T).",
    )
    statistics: dict[str, MapStatistics] = Field(
        default_factory=dict,
        description="Statistics over the test set of convolution and pooling layers, by name.",
    )
    recipe: dict[str, str | int | float | bool | None] = Field(
        description="How it was trained: optimizer, learning rate, batch size, epochs, seed."
    )
    libraries: dict[str, str] = Field(
        description="Versions of the libraries that trained and exported it."
    )
    digest: str = Field(description="SHA-256 of the model's files, as hexadecimal digits.")
    golden: tuple[Golden, ...] = Field(min_length=1)

    @property
    def convolutions(self) -> list[Layer]:
        """The convolution layers in order."""
        return [layer for layer in self.layers if layer.kind == "convolution"]

    @model_validator(mode="after")
    def _is_consistent(self) -> "Manifest":
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise ValueError("two layers have the same name")
        known = {"images"}
        for layer in self.layers:
            if missing := set(layer.inputs) - known:
                raise ValueError(f"layer {layer.name} takes {missing}, which do not precede it")
            known.add(layer.name)
        if self.layers[-1].output_shape != (len(self.labels),):
            raise ValueError(f"the last layer does not have one output for each label: {names[-1]}")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("two labels are the same")
        if any(len(one.probabilities) != len(self.labels) for one in self.golden):
            raise ValueError("a golden output does not have one probability for each label")
        return self

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into `folder`; raises OSError."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> "Manifest":
        """Read `manifest.json` of `folder`; raises OSError or pydantic.ValidationError."""
        return Manifest.model_validate_json((folder / FILE_NAME).read_bytes())


def digest(folder: Path) -> str:
    """The SHA-256 of names and bytes of a model's files, as 64 hexadecimal digits.

    The files are the SavedModel's graph and variables, the LiteRT model, and the layers' weights.
    """
    sha = hashlib.sha256()
    for path in (*_variables(folder), *(folder / name for name in (GRAPH, LITE, WEIGHTS))):
        sha.update(f"{path.name} {path.stat().st_size}\n".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


def _variables(folder: Path) -> Iterable[Path]:
    return sorted(path for path in (folder / "variables").iterdir() if path.is_file())
