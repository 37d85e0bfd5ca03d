"""The recipes hold the lecture's networks and are consistent."""

import json
from dataclasses import replace

import pytest

from training import recipes
from training.errors import RecipeError


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_recipe_describes_itself_in_values_that_a_manifest_keeps(name: str) -> None:
    record = recipes.find(name).describe()
    assert json.loads(json.dumps(record)) == record
    assert {"network", "optimizer", "learning_rate", "batch_size", "epochs", "seed"} <= set(record)


def test_what_only_a_reader_needs_is_no_part_of_the_recipe() -> None:
    recipe = recipes.find("mnist-adadelta")
    assert replace(recipe, lecture=None, note="").describe() == recipe.describe()


def test_lecture_names_each_experiment_that_has_a_figure_there() -> None:
    figures = {name for name, recipe in recipes.RECIPES.items() if recipe.lecture is not None}
    assert figures < set(recipes.LECTURE) <= set(recipes.RECIPES)
    assert {one for pair in recipes.PAIRS for one in pair} <= set(recipes.LECTURE)


@pytest.mark.parametrize("pair", recipes.PAIRS)
def test_networks_that_are_compared_are_trained_alike(pair: tuple[str, str]) -> None:
    dense, convolution = (recipes.find(name) for name in pair)
    assert replace(dense, network=convolution.network, lecture=None) == replace(
        convolution, lecture=None
    )


def test_unknown_recipe_names_those_that_exist() -> None:
    with pytest.raises(RecipeError, match="there is: mnist-lecture, mnist-lecture-same"):
        recipes.find("mnist lecture")
