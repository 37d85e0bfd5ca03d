"""Results become a report: a Markdown page, two charts for each result, and the results as JSON."""

from collections.abc import Sequence
from pathlib import Path

from training.recipes import PAIRS, RECIPES
from training.reproduction import charts
from training.reproduction.results import Result

INTRODUCTION = """# The lecture's results, reproduced

```sh
.venv/bin/convlens reproduce --data DIR
```

trains every experiment below and writes this page; without `--data` the data sets are downloaded.
The network and the optimizer of each experiment are the lecture's. The other settings of its
recipe, and the epoch whose weights are kept, were chosen by the accuracy on {validation:,} training
images that are held out. The accuracies below are over all test images, which were used for no
choice.
"""


def write(results: Sequence[Result], path: Path) -> None:
    """Write the page to `path`, a .md, and its charts and results into a folder beside it.

    The folder has the page's name without .md.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    for result in results:
        result.write(folder / f"{result.name}.json")
        for name, svg in draw(result).items():
            (folder / name).write_text(svg, encoding="utf-8")
    path.write_text(markdown(results, folder.name), encoding="utf-8")


def draw(result: Result) -> dict[str, str]:
    """The SVG charts of a result by file name: accuracy and loss over the epochs."""
    history, lecture = result.history, RECIPES[result.name].lecture
    return {
        f"{result.name}-accuracy.svg": charts.curves(
            "Accuracy",
            history["accuracy"],
            history["val_accuracy"],
            percent=True,
            reference=None if lecture is None else (f"lecture {lecture:.2%}", lecture),
            best=result.best_epoch,
        ),
        f"{result.name}-loss.svg": charts.curves("Loss", history["loss"], history["val_loss"]),
    }


def markdown(results: Sequence[Result], folder: str) -> str:
    """The text of the page; it links to the charts in `folder`."""
    validation = max(int(result.recipe["validation"] or 0) for result in results)
    parts = [INTRODUCTION.format(validation=validation), _comparison(results), _pairs(results)]
    parts += ["## Each experiment", _legend(results)]
    parts += [_experiment(result, folder) for result in results]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _comparison(results: Sequence[Result]) -> str:
    """The section that puts each result beside the lecture's."""
    rows = []
    for result in results:
        lecture = RECIPES[result.name].lecture
        rows.append(
            (
                f"[{result.name}](#{result.name})",
                "" if lecture is None else f"{lecture:.2%}",
                _accuracy(result),
                "" if lecture is None else f"{100 * (result.accuracy - lecture):+.2f}",
                f"{result.parameters:,}",
                str(result.recipe["seed"]),
                f"{result.seconds / 60:.1f} min",
            )
        )
    head = ("experiment", "lecture", "here, on test images", "points", "parameters", "seed", "time")
    notes = [f"`{one.name}`: {note}" for one in results if (note := RECIPES[one.name].note)]
    return "\n\n".join(
        ["## Compared with the lecture", _table(head, rows), _setup(results), *notes]
    )


def _setup(results: Sequence[Result]) -> str:
    """The machine and the versions, and when another run gives the same figures."""
    processors = ", ".join(sorted({result.processor for result in results}))
    threads = ", ".join(sorted({str(result.threads) for result in results}))
    libraries = results[-1].libraries
    versions = ", ".join(f"{name} {libraries[name]}" for name in ("tensorflow", "keras"))
    return (
        "*Points* is the difference to the lecture in percentage points. *Time* is the processor"
        f" time of training, summed over all cores. Trained on {processors} with {threads} threads,"
        f" {versions}. The same seed and number of threads give the same figures on the same"
        " machine. Another processor may round differently, which changes the figures slightly."
    )


def _pairs(results: Sequence[Result]) -> str:
    """The section that compares dense with convolutional networks."""
    by_name = {result.name: result for result in results}
    rows = []
    for pair in PAIRS:
        if not all(name in by_name for name in pair):
            continue
        for name, kind in zip(pair, ("dense", "convolutional"), strict=True):
            result = by_name[name]
            wrong = round((1 - result.accuracy) * result.images)
            rows.append(
                (name, kind, f"{result.parameters:,}", _accuracy(result), f"{wrong:,} wrong")
            )
    if not rows:
        return ""
    words = (
        "Each convolutional network is compared with a dense network of the same depth that has"
        " more weights and was trained by the same recipe. A convolution applies the same few"
        " weights to the neighbourhood of every pixel; a dense layer has to learn each pattern"
        " separately for every position."
    )
    head = ("experiment", "network", "parameters", "test accuracy", f"of {results[0].images:,}")
    return "\n\n".join(["## Dense and convolutional networks", words, _table(head, rows)])


def _legend(results: Sequence[Result]) -> str:
    text = (
        "The training accuracy is measured on augmented images and with dropout active, so it can"
        " be lower than the validation accuracy. The ring marks the epoch whose weights were kept."
    )
    if any(result.recipe.get("smoothing") for result in results):
        text += (
            " With label smoothing, the training loss includes the smoothing and the validation"
            " loss does not."
        )
    return text


def _experiment(result: Result, folder: str) -> str:
    best = (
        f"Epoch {result.best_epoch} was kept, with {max(result.history['val_accuracy']):.2%} on the"
        " validation images."
    )
    images = " ".join(
        f"![{what} per epoch of {result.name}]({folder}/{result.name}-{what}.svg)"
        for what in ("accuracy", "loss")
    )
    return f"### {result.name}\n\n{_describe(result)} {best}\n\n{images}"


def _describe(result: Result) -> str:
    recipe = result.recipe
    words = [
        f"Network `{recipe['network']}`",
        f"optimizer {recipe['optimizer']}",
        f"learning rate {recipe['learning_rate']}"
        + (" with cosine decay" if recipe["schedule"] == "cosine" else ""),
        f"batches of {recipe['batch_size']}",
        f"{recipe['epochs']} epochs" if recipe["epochs"] != 1 else "1 epoch",
    ]
    optional = {
        "weight_decay": "weight decay {}",
        "smoothing": "label smoothing {}",
        "average": "moving average of the weights with decay {}",
        "rotation": "rotations up to {}°",
        "shift": "shifts up to {} pixels",
        "zoom": "zooms up to {}",
        "flip": "horizontal flips",
    }
    words += [how.format(recipe[key]) for key, how in optional.items() if recipe.get(key)]
    return ", ".join(words) + "."


def _accuracy(result: Result) -> str:
    remark = f" ({result.remark})" if result.remark else ""
    return f"{result.accuracy:.2%}{remark}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
