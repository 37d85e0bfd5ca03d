"""Manifests and figures become docs/reference/models.md: the table, the robustness, the cards."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.model_cards import plots
from benchmarks.model_cards.corruptions import CORRUPTIONS
from benchmarks.model_cards.cost import MANY
from benchmarks.model_cards.figures import Figures, interval
from service.manifest import Manifest
from training.exporting.calibration import BINS
from training.reproduction.results import Result

Pair = tuple[Manifest, Figures]

INTRODUCTION = """# The models

```sh
.venv/bin/python -m benchmarks.model_cards --data DIR
```

measures every model in `models/` and writes this page. Accuracies are over all test images unless
another number is given, with the graph that `/predict` runs.
"""

TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
SOURCES = {"mnist": "LeCun, Cortes and Burges", "cifar10": "Krizhevsky 2009"}

PURPOSES = {
    "digit": "Recognising the digit in an image, 0 to 9, one digit an image, in ink or chalk.",
    "photo": "Recognising which of its ten classes is in the middle of a small image.",
}
LIMITS = {
    "digit": "Letters, numbers of several digits, and uses where a wrong digit costs money or harms"
    " somebody.",
    "photo": "Objects of other classes; finding, counting or recognising people; any decision about"
    " a person.",
}
ROLES = {
    "mnist": "the default for digits.",
    "cifar10": "the most accurate for photographs.",
    "mnist-lecture": "the lecture's network, to look inside.",
    "cifar10-lecture-2conv": "the lecture's network, to look inside.",
    "cifar10-lecture-3conv": "the lecture's network, to look inside.",
}

UNKNOWN_IMAGES = {
    "blank": "a single colour",
    "noise": "noise",
    "speckles": "speckles",
    "letters": "letters",
    "mnist": "digits of MNIST",
    "cifar10": "photographs of CIFAR-10",
}


def write(
    pairs: Sequence[Pair], path: Path, machine: Sequence[str], trained: Sequence[Result]
) -> None:
    """Write `path`, a .md; the plots and the figures of each model into a folder of that name."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for manifest, figures in pairs:
        for what, svg in draw(manifest, figures).items():
            (folder / f"{manifest.name}-{what}.svg").write_text(svg, encoding="utf-8")
        record = figures.model_dump_json(indent=1) + "\n"
        (folder / f"{manifest.name}.json").write_text(record, encoding="utf-8")
    path.write_text(markdown(pairs, folder.name, machine, trained), encoding="utf-8")


def draw(manifest: Manifest, figures: Figures) -> dict[str, str]:
    """The SVG plots of a model: `calibration` and `confusion`."""
    title = manifest.name, _data(manifest)
    return {
        "calibration": plots.calibration(figures.bins, *title),
        "confusion": plots.confusion(figures.confusion, manifest.labels, *title),
    }


def markdown(
    pairs: Sequence[Pair], folder: str, machine: Sequence[str], trained: Sequence[Result]
) -> str:
    """The page; its plots are in `folder`."""
    parts = [INTRODUCTION, _glance(pairs), *_robustness(pairs), "## Cards"]
    parts += [_card(*pair, folder, trained) for pair in pairs]
    parts += ["## Measured on", "\n".join(f"- {line}" for line in machine)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _glance(pairs: Sequence[Pair]) -> str:
    rows = [
        [
            f"[{manifest.name}](#{manifest.name})",
            f"{manifest.parameters:,}",
            _accuracy(manifest),
            f"{_calibration_error(manifest, figures):.2%}",
            f"{figures.rate:,.0f}",
            f"{figures.milliseconds:.2f}",
            _data(manifest),
        ]
        for manifest, figures in pairs
    ]
    head = ("model", "parameters", "accuracy", "ECE", "images/s", "ms for one", "on")
    words = (
        "ECE is the expected calibration error over"
        f" {BINS} bins. Images/s and ms are of the network alone on one core, in batches of {MANY}"
        " and for a single image. All models were measured in turn: compare them with one another,"
        " not with figures of another day."
    )
    return "\n\n".join(["## At a glance", _table(head, rows), words])


def _robustness(pairs: Sequence[Pair]) -> list[str]:
    sample = pairs[0][1].sample
    low, high = interval(0.9, sample)
    parts = [
        "## Corrupted images",
        f"Accuracy in % on {sample:,} test images, drawn at random and the same for all models,"
        " clean and corrupted, each sent as a PNG. The 95 % interval of a figure of 90 % is"
        f" ± {100 * (high - low) / 2:.1f} points.",
    ]
    for data in dict.fromkeys(str(manifest.recipe["data"]) for manifest, _ in pairs):
        these = [pair for pair in pairs if pair[0].recipe["data"] == data]
        parts.append(_corrupted_table(_data(these[0][0]), _columns(these)))
    parts.append(
        "*Unprepared* is the network without the service's preparation of digits, which makes the"
        " background black and the ink white; arrays by /v1 and /v2 are classified like that."
        " Images for CIFAR-10's networks that have the right size are not changed."
    )
    return parts


def _columns(pairs: Sequence[Pair]) -> dict[str, tuple[float, Mapping[str, Sequence[float]]]]:
    """The accuracy on clean images and on corrupted ones, by column heading."""
    columns = {manifest.name: (one.clean, one.corrupted) for manifest, one in pairs}
    unprepared = {
        f"{m.name}, *unprepared*": (one.clean, one.unprepared) for m, one in pairs if one.unprepared
    }
    return {**columns, **unprepared}


def _corrupted_table(
    data: str, columns: Mapping[str, tuple[float, Mapping[str, Sequence[float]]]]
) -> str:
    rows = [["none", "", *(f"{100 * clean:.1f}" for clean, _ in columns.values())]]
    for corruption in CORRUPTIONS:
        for i, strength in enumerate(corruption.strengths):
            cells = [f"{100 * figures[corruption.name][i]:.1f}" for _, figures in columns.values()]
            name = corruption.name if i == 0 else ""
            rows.append([name, corruption.say(strength), *cells])
    return _table((data, "strength", *columns), rows)


def _card(manifest: Manifest, figures: Figures, folder: str, trained: Sequence[Result]) -> str:
    name = manifest.name
    remark = f" ({manifest.metrics.remark})" if manifest.metrics.remark else ""
    lines = {
        "For": f"{PURPOSES[manifest.preparation]} Version {manifest.version},"
        f" {ROLES.get(name, 'trained here.')}",
        "Not for": f"{LIMITS[manifest.preparation]} {_elsewhere(figures)}",
        "Data": _provenance(manifest),
        "Recipe": _recipe(manifest),
        "Training time": _time(manifest, trained),
        "Made with": ", ".join(f"{k} {v}" for k, v in manifest.libraries.items()),
        "Size": f"{manifest.parameters:,} parameters in {len(manifest.layers)} layers",
        "Accuracy": f"{_accuracy(manifest)}, 95 % interval {_interval(manifest)}, on"
        f" {manifest.metrics.images:,} test images{remark}",
        "Confidence": f"ECE {_calibration_error(manifest, figures):.2%}{remark}, temperature"
        f" {manifest.temperature:.3f}",
        "Unfamiliar": _unfamiliar(figures, remark),
        "Weakest": _weakest(manifest, figures) + remark,
    }
    images = " ".join(
        f"![{alt} of {name}]({folder}/{name}-{what}.svg)"
        for what, alt in (("calibration", "Calibration"), ("confusion", "Confusion matrix"))
    )
    table = _table((name, ""), [(f"**{key}**", value) for key, value in lines.items()])
    return f"### {name}\n\n{table}\n\n{images}"


def _elsewhere(figures: Figures) -> str:
    if figures.unfamiliar is None:
        return (
            "It gives one of its classes to every image, and has no score for images unlike its"
            " training data."
        )
    return (
        "It gives one of its classes to every image; `unfamiliar` says how unlike its training"
        " data an image is."
    )


def _provenance(manifest: Manifest) -> str:
    data = str(manifest.recipe["data"])
    held = manifest.recipe.get("validation", 5_000)
    source = f" ({SOURCES[data]})" if data in SOURCES else ""
    return (
        f"{TITLES.get(data, data)}{source}; {held:,} training images were held out to choose the"
        f" epoch; the {manifest.metrics.images:,} test images were used for no choice"
    )


def _recipe(manifest: Manifest) -> str:
    outcome = {
        *("best_epoch", "validation_accuracy", "training_seconds"),
        *("course", "data", "validation"),
    }
    words = ", ".join(
        key.replace("_", " ") + ("" if value is True else f" {value}")
        for key, value in manifest.recipe.items()
        if key not in outcome and value not in (0, None, False)
    )
    kept = manifest.recipe.get("best_epoch")
    if kept is not None:
        share = manifest.recipe["validation_accuracy"]
        words += f". Epoch {kept} was kept, with {share:.2%} on the images held out"
    course = manifest.recipe.get("course")
    return words if course is None else f"{words}. {course}".removesuffix(".")


def _time(manifest: Manifest, trained: Sequence[Result]) -> str:
    """The recorded time, or else an estimate from the reproduction of the same network."""
    recipe = manifest.recipe
    if isinstance(recorded := recipe.get("training_seconds"), int):
        words = f"{recorded / 60:.0f} min on two cores"
        in_bfloat16 = recipe.get("precision") == "bfloat16"
        return f"{words} that compute in bfloat16" if in_bfloat16 else words
    alike = [
        result.seconds / len(result.history["loss"])
        for result in trained
        if result.recipe["network"] == recipe["network"] and result.recipe["data"] == recipe["data"]
    ]
    if not alike or not isinstance(recipe["epochs"], int):
        return "not recorded"
    mean = sum(alike) / len(alike)
    return (
        f"not recorded; at the {mean:.0f} s of one core that an epoch of this network took in the"
        f" [reproduction](reproduction.md), about {mean * recipe['epochs'] / 60:.0f} min"
    )


def _unfamiliar(figures: Figures, remark: str) -> str:
    if figures.unfamiliar is None:
        return "no score"
    areas = figures.out_of_distribution
    kinds = ", ".join(
        f"{UNKNOWN_IMAGES.get(kind, kind)} {area:.4f}" for kind, area in areas.items()
    )
    return f"AUROC against {kinds}; {figures.unfamiliar:.2%} of test images score above 0.5{remark}"


def _weakest(manifest: Manifest, figures: Figures) -> str:
    """The class with the lowest accuracy, and the most frequent confusion."""
    counts, labels = figures.confusion, manifest.labels
    share, worst = min((row[i] / sum(row), labels[i]) for i, row in enumerate(counts) if sum(row))
    often, one, other = max(
        (count, labels[i], labels[j])
        for i, row in enumerate(counts)
        for j, count in enumerate(row)
        if i != j
    )
    return f"{worst} ({share:.1%} right); {one} was classified as {other} in {often:,} images"


def _accuracy(manifest: Manifest) -> str:
    return f"{manifest.metrics.accuracy:.2%}"


def _interval(manifest: Manifest) -> str:
    low, high = interval(manifest.metrics.accuracy, manifest.metrics.images)
    return f"{low:.2%} to {high:.2%}"


def _calibration_error(manifest: Manifest, figures: Figures) -> float:
    """The manifest's if it has one, else the measured one."""
    stated = manifest.metrics.calibration_error
    return figures.calibration_error if stated is None else stated


def _data(manifest: Manifest) -> str:
    data = str(manifest.recipe["data"])
    title = TITLES.get(data, data)
    return f"{title}, {manifest.metrics.remark}" if manifest.metrics.remark else title


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
