"""What a model says about itself: `manifest.json` beside its SavedModel.

Training writes it, the service reads it, and the two meet nowhere else.
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
    """One layer of the network, in the order of the forward pass."""

    name: Name
    kind: Kind
    output_shape: tuple[int, ...] = Field(description="Without the batch axis.")
    inputs: tuple[str, ...] = Field(description="The layers that feed it; `images` is the input.")
    kernel: tuple[int, int] | None = Field(None, description="Height and width of the window.")
    strides: tuple[int, int] | None = Field(None, description="Down and right, in pixels.")
    padding: Literal["SAME", "VALID"] | None = None
    activation: str | None = Field(None, description="Applied to the layer's own sum.")
    parameters: int = Field(0, ge=0, description="Trained and untrained values in this layer.")
    formula: str | None = Field(None, description="How the number of parameters comes about.")


class Metrics(_Record):
    """What the model did on images that played no part in any choice."""

    accuracy: float = Field(ge=0, le=1)
    loss: float
    images: int = Field(gt=0, description="How many test images the figures are over.")
    calibration_error: float | None = Field(
        None, ge=0, le=1, description="Expected calibration error over 15 bins."
    )
    foreign: dict[str, float] | None = Field(
        None,
        description="How often a foreign image of each kind is more `unfamiliar` than a test image:"
        " the area under the ROC curve.",
    )
    unfamiliar: float | None = Field(
        None, description="The share of test images whose `unfamiliar` is above 0.5."
    )
    remark: str | None = Field(None, description="What a reader must know beside the figures.")


class Golden(_Record):
    """A drawn input and what the network answered when it was exported."""

    name: str
    image: str = Field(description="An image token, see `service.images.tokens`.")
    probabilities: tuple[float, ...]


class MapStatistics(_Record):
    """One layer's maps over the whole test set, one number a map.

    `zeros` is the share of cells that were exactly 0; a map with `zeros` of 1 is dead.
    """

    zeros: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    mean: tuple[float, ...]


class Manifest(_Record):
    """A model's own description, complete enough to serve it without its training code."""

    name: Name
    version: int = Field(ge=1)
    labels: tuple[str, ...] = Field(min_length=2)
    input_shape: tuple[int, int, int] = Field(description="Height, width, channels; uint8.")
    preparation: Preparation = Field(description="How an upload becomes the model's input.")
    layers: tuple[Layer, ...] = Field(min_length=1)
    parameters: int = Field(ge=0)
    metrics: Metrics
    temperature: float = Field(
        1.0, gt=0, description="The probabilities are softmax(logits / temperature)."
    )
    statistics: dict[str, MapStatistics] = Field(
        default_factory=dict, description="Convolution and pooling layers by name."
    )
    recipe: dict[str, str | int | float | bool | None] = Field(
        description="What trained it: optimizer, learning rate, batch size, epochs, seed."
    )
    libraries: dict[str, str] = Field(description="Versions that trained and exported it.")
    digest: str = Field(description="sha256 of all files beside the manifest, see `digest`.")
    golden: tuple[Golden, ...] = Field(min_length=1)

    @property
    def convolutions(self) -> list[Layer]:
        """The convolution layers, in their order."""
        return [layer for layer in self.layers if layer.kind == "convolution"]

    @model_validator(mode="after")
    def _is_consistent(self) -> "Manifest":
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise ValueError("two layers have the same name")
        known = {"images"}
        for layer in self.layers:
            if missing := set(layer.inputs) - known:
                raise ValueError(f"layer {layer.name} is fed by {missing}, which do not precede it")
            known.add(layer.name)
        if self.layers[-1].output_shape != (len(self.labels),):
            raise ValueError(f"the last layer does not have one output for each label: {names[-1]}")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("two labels are the same")
        if any(len(one.probabilities) != len(self.labels) for one in self.golden):
            raise ValueError("a golden output does not have one probability for each label")
        return self

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into `folder`."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> "Manifest":
        """Read `manifest.json` of `folder`: OSError or pydantic.ValidationError where it can't."""
        return Manifest.model_validate_json((folder / FILE_NAME).read_bytes())


def digest(folder: Path) -> str:
    """The sha256 of the names and bytes of all that computes, as 64 hexadecimal digits.

    They are the SavedModel's graph and variables, LiteRT's copy of both, and the weights by layer.
    """
    sha = hashlib.sha256()
    for path in (*_variables(folder), *(folder / name for name in (GRAPH, LITE, WEIGHTS))):
        sha.update(f"{path.name} {path.stat().st_size}\n".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


def _variables(folder: Path) -> Iterable[Path]:
    return sorted(path for path in (folder / "variables").iterdir() if path.is_file())
