"""The table of recipes holds the lecture's networks and answers for its own contents."""

import json

import pytest

from training import recipes
from training.errors import RecipeError


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_recipe_describes_itself_in_values_that_a_manifest_keeps(name: str) -> None:
    record = recipes.find(name).describe()
    assert json.loads(json.dumps(record)) == record
    assert record["network"] == name.replace("-", "_")
    assert {"optimizer", "learning_rate", "batch_size", "epochs", "seed"} <= set(record)


def test_unknown_recipe_names_those_that_exist() -> None:
    with pytest.raises(RecipeError, match="there is: mnist-lecture, mnist-lecture-same"):
        recipes.find("mnist lecture")
