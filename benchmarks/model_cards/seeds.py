"""How far the figures of one recipe lie apart when nothing but the seed differs.

`python -m benchmarks.model_cards.seeds --data DIR` trains each recipe for a
few epochs from several seeds. The runs are short: what they reach is below what ships, and how far
they spread is above it.
"""

from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine
from benchmarks.options import Page
from benchmarks.servers import table
from training import recipes
from training.datasets import named
from training.fitting import batches, loop
from training.fitting.train_step import Trainer
from training.recipes import Recipe

console = Console(stderr=True)


def main(
    folder: Annotated[Path, typer.Option("--data", help="Folder with the data sets.")],
    names: Annotated[str, typer.Option("--recipes", help="By commas.")] = "mnist,cifar10",
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each run.")] = 2,
    seeds: Annotated[int, typer.Option(min=2, help="Runs of each recipe.")] = 3,
    output: Page = None,
) -> None:
    """Train and print the table."""
    rows = []
    about = [f"- {line}\n" for line in machine.describe(("tensorflow-cpu", "keras", "numpy"))]
    for name in names.split(","):
        recipe = replace(recipes.find(name), epochs=epochs)
        dataset = named.load(recipe.data, folder, recipe.validation)
        shares = [_accuracy(replace(recipe, seed=seed + 1), dataset) for seed in range(seeds)]
        each = ", ".join(f"{share:.2%}" for share in shares)
        spread = f"{mean(shares):.2%} ± {100 * stdev(shares):.2f}"
        rows.append([name, str(epochs), each, spread])
    head = ["recipe", "epochs", "test accuracy, a seed each", "mean ± standard deviation, points"]
    page = f"# Seeds\n\n{''.join(about)}\n{table.table(head, rows)}"
    if output is not None:
        output.write_text(page + "\n")
    print(page)


def _accuracy(recipe: Recipe, dataset: named.Dataset) -> float:
    """The share of the test images that a network read right, trained as `recipe` says."""
    console.print(f"seed {recipe.seed}")
    network, _ = loop.fit(recipe, dataset, console)
    steps = batches.steps_per_epoch(dataset.train, recipe)
    _, share = Trainer(network, recipe, steps).evaluate(batches.evaluation_batches(dataset.test))
    return share


if __name__ == "__main__":
    typer.run(main)
