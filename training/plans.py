"""What the command line asks for becomes a model's name, a recipe and a way to its data."""

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

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")
SIZE = re.compile(r"(\d{1,4})(?:[x×](\d{1,4}))?")
SIDES = range(8, 513)
ENOUGH = 400
"""Steps after which a small network has learned a small folder."""
MOST_EPOCHS = 100


@dataclass(frozen=True)
class Plan:
    """A model to be: its name, how it is fitted, and what loads the images for a recipe."""

    name: str
    recipe: Recipe
    load: Callable[[Recipe, Console], Dataset]
    fit: Callable[[Recipe, Dataset], Recipe]
    """The recipe for these very images."""


def of_recipe(name: str, data_folder: Path | None) -> Plan:
    """The recipe `name` on its own data set. Raises RecipeError."""
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
    how: Preparation,
    *,
    grey: bool,
    flip: bool,
) -> Plan:
    """Somebody's own images in the folder `images`. Raises DataError, RecipeError."""
    shape = (*_size(size), 1 if grey or how == "digit" else 3)
    base = recipes.FOLDER if recipe_name is None else recipes.find(recipe_name)
    recipe = replace(base, data="folder", flip=flip or (recipe_name is not None and base.flip))
    if shape[2] == 1 and how == "photo" and recipe_name is None:
        recipe = replace(recipe, shift=0)  # What comes in at the edge of grey images is black.
    return Plan(
        _name(images, name),
        recipe,
        lambda recipe, console: image_folder.load(images, shape, how, console, seed=recipe.seed),
        partial(_for_these, long_enough=recipe_name is None),
    )


def _size(text: str) -> tuple[int, int]:
    """Height and width of 32 or 32x48."""
    match = SIZE.fullmatch(text)
    if match is None:
        raise DataError(f"--size {text!r} is no size: write 32, or 32x48 for height and width.")
    height, width = int(match[1]), int(match[2] or match[1])
    if height not in SIDES or width not in SIDES:
        raise DataError(f"--size {text}: each side has {SIDES[0]} to {SIDES[-1]} pixels.")
    return height, width


def _name(images: Path, name: str | None) -> str:
    """The model's name: as asked for, or what of the folder's name a URL can hold."""
    if name is None:
        name = re.sub(r"[^a-zA-Z0-9._-]+", "-", images.absolute().name).strip("-._")[:64]
        advice = f"The folder {images} has no name that a model can have"
    else:
        advice = f"A model cannot be called {name[:80]!r}"
    if NAME.fullmatch(name) is None:
        raise DataError(
            f"{advice}: give one by --name, of letters a to z, digits, dots, - and _, 64 at most."
        )
    return name


def _for_these(recipe: Recipe, dataset: Dataset, *, long_enough: bool) -> Recipe:
    """The recipe, refused where its network cannot take such images, and long enough."""
    try:
        recipe.network(dataset.shape, len(dataset.labels))
    except ValueError as problem:
        height, width, channels = dataset.shape
        raise RecipeError(
            f"The network {recipe.network.__name__} cannot take {height}×{width}×{channels}"
            " images: choose another --size or recipe."
        ) from problem
    if not long_enough:
        return recipe
    steps = math.ceil(len(dataset.train) / recipe.batch_size)
    return replace(recipe, epochs=min(MOST_EPOCHS, max(recipe.epochs, math.ceil(ENOUGH / steps))))
