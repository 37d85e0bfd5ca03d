"""`python -m benchmarks.model_cards.seeds --data DIR`: spread of the accuracy over seeds.

Trains each recipe for a few epochs from several seeds. Because the runs are short, their accuracy
is lower and its spread larger than those of the shipped models.
"""

from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine, markdown
from benchmarks.options import Page
from training import recipes
from training.datasets import named
from training.fitting import batches, loop
from training.fitting.train_step import Trainer
from training.recipes import Recipe

console = Console(stderr=True)


def main(
    folder: Annotated[Path, typer.Option("--data", help="Folder with mnist.npz and cifar10.npz.")],
    names: Annotated[
        str, typer.Option("--recipes", help="Recipes, separated by commas.")
    ] = "mnist,cifar10",
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each run.")] = 2,
    seeds: Annotated[int, typer.Option(min=2, help="Runs of each recipe.")] = 3,
    output: Page = None,
) -> None:
    """Trains and prints the table."""
    rows = []
    about = [f"- {line}\n" for line in machine.describe(("tensorflow-cpu", "keras", "numpy"))]
    for name in names.split(","):
        recipe = replace(recipes.find(name), epochs=epochs)
        dataset = named.load(recipe.data, folder, recipe.validation)
        shares = [_accuracy(replace(recipe, seed=seed + 1), dataset) for seed in range(seeds)]
        each = ", ".join(f"{share:.2%}" for share in shares)
        spread = f"{mean(shares):.2%} ± {100 * stdev(shares):.2f}"
        rows.append([name, str(epochs), each, spread])
    head = ["recipe", "epochs", "test accuracy by seed", "mean ± standard deviation, points"]
    page = f"# Seeds\n\n{''.join(about)}\n{markdown.table(head, rows)}"
    if output is not None:
        output.write_text(page + "\n")
    print(page)


def _accuracy(recipe: Recipe, dataset: named.Dataset) -> float:
    """The test accuracy of a network trained with `recipe`."""
    console.print(f"seed {recipe.seed}")
    network, _ = loop.fit(recipe, dataset, console)
    steps = batches.steps_per_epoch(dataset.train, recipe)
    _, share = Trainer(network, recipe, steps).evaluate(batches.evaluation_batches(dataset.test))
    return share


if __name__ == "__main__":
    typer.run(main)
