"""Results become a report: Markdown, the same as HTML in one file, charts, and the figures."""

from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt

from training.recipes import PAIRS, RECIPES
from training.reproduction import charts
from training.reproduction.results import Result

STYLE = """
:root { color-scheme: light dark; --surface: #f6f8fa; --ink: #1f2328; --quiet: #59636e;
  --line: #d1d9e0; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --surface: #0d1117; --ink: #e6edf3;
  --quiet: #9da7b1; --line: #3d444d; --link: #79c0ff; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--surface);
  max-width: 53rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; margin: 2.2em 0 0.6em; }
h1 { margin-top: 0; }
a { color: var(--link); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: 44rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: 0.35rem 0.9rem 0.35rem 0; text-align: left;
  vertical-align: top; }
td:first-child, td:last-child { white-space: nowrap; }
th { color: var(--quiet); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
  gap: 1rem; }
svg { width: 100%; display: block; }
code { font-size: 0.9em; }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; padding: 0.7rem; }
"""

INTRODUCTION = """# The lecture's results, reproduced

```sh
.venv/bin/convlens reproduce --data DIR
```

trains everything below and writes this page; without `--data` the data sets are downloaded. Each
network and optimizer is the lecture's, the rest of each recipe was chosen here, on {validation:,}
training images that are held back; so is the epoch whose weights are kept. The accuracies below are
over all test images, which played no part in any choice.
"""


def write(results: Sequence[Result], path: Path) -> None:
    """Write `path`, a .md, the .html beside it; charts and figures into a folder of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    drawn = {name: svg for result in results for name, svg in _charts(result).items()}
    for name, svg in drawn.items():
        (folder / name).write_text(svg, encoding="utf-8")
    for result in results:
        result.write(folder / f"{result.name}.json")
    text = markdown(results, folder.name)
    path.write_text(text, encoding="utf-8")
    path.with_suffix(".html").write_text(_html(text, folder.name, drawn), encoding="utf-8")


def markdown(results: Sequence[Result], folder: str) -> str:
    """The report; its charts lie in `folder`."""
    validation = max(int(result.recipe["validation"] or 0) for result in results)
    parts = [INTRODUCTION.format(validation=validation), _beside(results), _pairs(results)]
    parts += ["## Each experiment", _reading(results)]
    parts += [_experiment(result, folder) for result in results]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _beside(results: Sequence[Result]) -> str:
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
    return "\n\n".join(["## Beside the lecture", _table(head, rows), _setting(results), *notes])


def _setting(results: Sequence[Result]) -> str:
    """On what it ran, and whether the same would come out again."""
    processors = ", ".join(sorted({result.processor for result in results}))
    threads = ", ".join(sorted({str(result.threads) for result in results}))
    libraries = results[-1].libraries
    versions = ", ".join(f"{name} {libraries[name]}" for name in ("tensorflow", "keras"))
    return (
        f"Time is of one core, for training alone. Trained on {processors} with {threads} threads,"
        f" {versions}. The same seed and number of threads give the same figures on the same"
        " machine; another processor may round differently, and then the figures differ a little."
    )


def _pairs(results: Sequence[Result]) -> str:
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
        "A dense network of the same depth, with more weights, trained by the same recipe. A"
        " convolution looks at neighbours, with the same few weights everywhere; a dense layer has"
        " to learn anew for each place what an edge is."
    )
    head = ("experiment", "network", "parameters", "test accuracy", f"of {results[0].images:,}")
    return "\n\n".join(["## What convolution buys", words, _table(head, rows)])


def _reading(results: Sequence[Result]) -> str:
    text = (
        "Accuracy while training is over the images as they were varied, with dropout on, so it can"
        " lie below that on the validation images. The ring marks the epoch that was kept."
    )
    if any(result.recipe.get("smoothing") for result in results):
        text += " Where labels are smoothed, the loss while training holds what that costs."
    return text


def _experiment(result: Result, folder: str) -> str:
    best = f"Epoch {result.best_epoch} was kept, with {_best(result):.2%} on the validation images."
    images = " ".join(
        f"![{what} per epoch of {result.name}]({folder}/{result.name}-{what}.svg)"
        for what in ("accuracy", "loss")
    )
    return f"### {result.name}\n\n{_describe(result)} {best}\n\n{images}"


def _best(result: Result) -> float:
    return max(result.history["val_accuracy"])


def _describe(result: Result) -> str:
    recipe = result.recipe
    words = [
        f"Network `{recipe['network']}`",
        f"{recipe['optimizer']} with rate {recipe['learning_rate']}"
        + (" falling as a cosine" if recipe["schedule"] == "cosine" else ""),
        f"batches of {recipe['batch_size']}",
        f"{recipe['epochs']} epochs" if recipe["epochs"] != 1 else "1 epoch",
    ]
    optional = {
        "weight_decay": "weight decay {}",
        "smoothing": "labels smoothed by {}",
        "average": "weights averaged, keeping {} a step",
        "rotation": "turned up to {}°",
        "shift": "shifted up to {} pixels",
        "zoom": "zoomed up to {}",
        "flip": "mirrored",
    }
    words += [how.format(recipe[key]) for key, how in optional.items() if recipe.get(key)]
    return ", ".join(words) + "."


def _accuracy(result: Result) -> str:
    remark = f" ({result.remark})" if result.remark else ""
    return f"{result.accuracy:.2%}{remark}"


def _charts(result: Result) -> dict[str, str]:
    history, lecture = result.history, RECIPES[result.name].lecture
    return {
        f"{result.name}-accuracy.svg": charts.draw(
            "Accuracy",
            _lines(history, "accuracy"),
            percent=True,
            reference=None if lecture is None else (f"lecture {lecture:.2%}", lecture),
            best=result.best_epoch,
        ),
        f"{result.name}-loss.svg": charts.draw("Loss", _lines(history, "loss")),
    }


def _lines(history: dict[str, list[float]], what: str) -> list[charts.Line]:
    return [
        charts.Line("training", history[what]),
        charts.Line("validation", history[f"val_{what}"]),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _html(text: str, folder: str, drawn: dict[str, str]) -> str:
    """The Markdown as a page that needs nothing beside it."""
    body = MarkdownIt("commonmark").enable("table").render(text)
    for name, svg in drawn.items():
        what = name.removesuffix(".svg").rpartition("-")
        alt = f"{what[2]} per epoch of {what[0]}"
        body = body.replace(f'<img src="{folder}/{name}" alt="{alt}" />', svg)
        body = body.replace(f"<h3>{what[0]}</h3>", f'<h3 id="{what[0]}">{what[0]}</h3>')
    body = body.replace("<p><svg", '<div class="charts"><svg').replace(
        "</svg>\n</p>", "</svg></div>"
    )
    body = body.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )
    title = text.splitlines()[0].removeprefix("# ")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
