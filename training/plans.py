"""The command line's options become a plan: the model's name, its recipe and its data."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from service.manifest import Preparation
from training import recipes
from training.datasets import image_folder, named
from training.datasets.named import Dataset
from training.errors import DataError, RecipeError
from training.recipes import Recipe

MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")
IMAGE_SIZE = re.compile(r"(\d{1,4})(?:[x×](\d{1,4}))?")
SIDE_LENGTHS = range(8, 513)
MIN_STEPS = 400
"""Fewest training steps for a folder of images: with fewer, a small network underfits."""
MAX_EPOCHS = 100
"""Most epochs that are added to reach MIN_STEPS."""


@dataclass(frozen=True)
class Plan:
    """What to train: the model's name, its recipe and its images."""

    name: str
    recipe: Recipe
    load: Callable[[Recipe, Console], Dataset]
    """Loads the data set; raises DataError."""
    adapt: Callable[[Recipe, Dataset], Recipe]
    """Adapts the recipe to the loaded data set; raises RecipeError if the network does not fit."""


def of_recipe(name: str, data_folder: Path | None) -> Plan:
    """The plan for the recipe `name` on its own data set. Raises RecipeError."""
    recipe = recipes.find(name)
    return Plan(
        name,
        recipe,
        lambda recipe, console: named.load(recipe.data, data_folder, recipe.validation),
        lambda recipe, dataset: recipe,
    )


def of_folder(
    images: Path,
    recipe_name: str | None,
    name: str | None,
    size: str,
    preparation: Preparation,
    *,
    grey: bool,
    flip: bool,
) -> Plan:
    """The plan for the user's own images in the folder `images`. Raises DataError, RecipeError."""
    shape = (*_size(size), 1 if grey or preparation == "digit" else 3)
    base = recipes.FOLDER if recipe_name is None else recipes.find(recipe_name)
    recipe = replace(base, data="folder", flip=flip or (recipe_name is not None and base.flip))
    if shape[2] == 1 and preparation == "photo" and recipe_name is None:
        # A shift fills the edge of grey images with black, which a photo does not have.
        recipe = replace(recipe, shift=0)
    return Plan(
        _name(images, name),
        recipe,
        lambda recipe, console: image_folder.load(
            images, shape, preparation, console, seed=recipe.seed
        ),
        partial(_adapt, extend=recipe_name is None),
    )


def _size(text: str) -> tuple[int, int]:
    """Height and width, in pixels, from text such as 32 or 32x48."""
    match = IMAGE_SIZE.fullmatch(text)
    if match is None:
        raise DataError(f"--size {text!r} is no size: write 32, or 32x48 for height and width.")
    height, width = int(match[1]), int(match[2] or match[1])
    if height not in SIDE_LENGTHS or width not in SIDE_LENGTHS:
        raise DataError(
            f"--size {text}: each side has {SIDE_LENGTHS[0]} to {SIDE_LENGTHS[-1]} pixels."
        )
    return height, width


def _name(images: Path, name: str | None) -> str:
    """The model's name: `name`, or the folder's name without characters that a URL cannot hold."""
    if name is None:
        name = re.sub(r"[^a-zA-Z0-9._-]+", "-", images.absolute().name).strip("-._")[:64]
        advice = f"The name of the folder {images} cannot be a model's name"
    else:
        advice = f"A model cannot be called {name[:80]!r}"
    if MODEL_NAME.fullmatch(name) is None:
        raise DataError(
            f"{advice}: set --name to at most 64 letters a to z, digits, dots, - and _."
        )
    return name


def _adapt(recipe: Recipe, dataset: Dataset, *, extend: bool) -> Recipe:
    """The recipe if its network accepts such images, with more epochs if `extend` asks for them."""
    try:
        recipe.network(dataset.shape, len(dataset.labels))
    except ValueError as problem:
        height, width, channels = dataset.shape
        raise RecipeError(
            f"The network {recipe.network.__name__} cannot take {height}×{width}×{channels}"
            " images: choose another --size or recipe."
        ) from problem
    if not extend:
        return recipe
    steps = math.ceil(len(dataset.train) / recipe.batch_size)
    return replace(recipe, epochs=min(MAX_EPOCHS, max(recipe.epochs, math.ceil(MIN_STEPS / steps))))
