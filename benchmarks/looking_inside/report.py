"""The figures of `benchmarks.looking_inside` become a page in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.looking_inside.in_process import TASKS
from benchmarks.looking_inside.map_requests import ENTRY
from benchmarks.looking_inside.map_stages import PILLOW_ENCODER, REQUEST
from benchmarks.markdown import table

Part = Mapping[str, Any]

HEAD = """# Looking inside

By
`python -m benchmarks.looking_inside --data DIR --output docs/reference/benchmarks/introspection`.
The network is `mnist-lecture`; its maps are conv1 26×26×32, pool1 13×13×32, conv2 11×11×64 and
pool2 5×5×64, 145 kB in float32.
"""


def page(found: Mapping[str, Part]) -> str:
    """The page with the parts that were measured."""
    makers = {"http": _http, "process": _process, "stages": _stages}
    parts = [maker(found[name]) for name, maker in makers.items() if name in found]
    return "\n".join([HEAD, *parts])


def _about(part: Part, *more: str) -> str:
    return "".join(f"- {line}\n" for line in (*part["machine"], *more))


def _http(part: Part) -> str:
    conditions = (
        f"{part['rounds']} rounds of {part['seconds']:g} s a figure, medians; {part['workers']}"
        f" workers, default settings; {part['connections']} connections, closed loop",
        f"other images: {part['images']} test images in turn, more than a worker keeps maps of;"
        " the same: one image repeatedly",
        "four .npy: one request a layer, one after the other on one connection; the answers are"
        " counted once for all four, p50 and p99 are of one request",
    )
    return "\n".join(
        [
            "## Over HTTP\n",
            _about(part, *conditions),
            "Answers a second.\n",
            _rates(part["figures"]),
            "\nFirst all answers to all images were compared with the network's activations. The"
            " largest differences, as a share of the layer's largest value (a PNG's colours come"
            f" in steps of {ENTRY:.1g}):\n",
            _differences(part["differences"], "server", "answer"),
            "",
        ]
    )


def _rates(figures: Sequence[Part]) -> str:
    """A row for each case and server; the last column is today's rate divided by the row's."""
    rows = []
    for case, kept in dict.fromkeys((one["case"], one["kept"]) for one in figures):
        same = [one for one in figures if (one["case"], one["kept"]) == (case, kept)]
        for one in same:
            beside = "" if one is same[0] else f"{same[0]['rate'] / one['rate']:.1f}"
            rows.append(
                [
                    case,
                    "the same" if kept else "other",
                    one["server"],
                    f"{one['rate']:,.0f}",
                    f"{one['p50']:,.1f}",
                    f"{one['p99']:,.1f}",
                    str(one["errors"]),
                    beside,
                ]
            )
    head = ["answer", "images", "server", "a second", "p50 ms", "p99 ms", "errors", "today ÷ this"]
    return table(head, rows)


def _differences(away: Mapping[str, Mapping[str, float]], who: str, what: str) -> str:
    names = list(dict.fromkeys(name for one in away.values() for name in one))
    rows = [
        [title, *(f"{one[name]:.1g}" if name in one else "–" for name in names)]
        for title, one in away.items()
    ]
    return table([f"{who} \\ {what}", *names], rows)


def _process(part: Part) -> str:
    conditions = (
        f"{part['rounds']} rounds of {part['seconds']:g} s a figure, in turn; 50 test images, one"
        " a call; medians of all calls, p99 in brackets",
        "convlens on one thread, the others on as many as TensorFlow takes",
        "Keras 3 by hand: a model with the four outputs in a `tf.function`",
        "keract and tf-explain with tf-keras 2.21 and `TF_USE_LEGACY_KERAS=1`: with Keras 3 keract"
        " 4.5 ends in an AttributeError, tf-explain 0.3 is of 2021",
    )
    titles = list(dict.fromkeys(one["explainer"] for one in part["figures"]))
    taken = {(one["task"], one["explainer"]): one for one in part["figures"]}
    rows = []
    for task, title in TASKS.items():
        ours = taken[task, titles[0]]
        cells = []
        for explainer in titles:
            one = taken.get((task, explainer))
            cells.append(_milliseconds(one, ours) if one else "–")
        rows.append([title, *cells])
    return "\n".join(
        [
            "## In one process, beside keract and tf-explain\n",
            _about(part, *conditions),
            "Milliseconds an answer, from an image to the array or the file, and the ratio to"
            " convlens'.\n",
            table(["", *titles], rows),
            "\nFirst the arrays were compared; the largest difference from convlens', as a share"
            " of the largest value of that layer:\n",
            _differences(part["differences"], "explainer", "array"),
            "\nWhat differs otherwise: keract and tf-explain give no maps from before the"
            " activation. tf-explain's `explain` takes one layer, gives uint8 pixels of it"
            " stretched over its own range, and builds a graph anew in each call; the array row"
            " keeps its graph. Its Grad-CAM has by default guided gradients of the probability,"
            " which is what is timed; the heat compared here is of the logit, with all gradients,"
            " both from its own functions. Its occlusion covers with 127.5, outside of this"
            " network's range of 0 to 1. Its pictures have a pixel a cell; keract's and convlens'"
            " have a scale and words. keract's gradients need TensorFlow without eager mode.\n",
        ]
    )


def _milliseconds(one: Part, ours: Part) -> str:
    times = f"{one['median']:.3g} ({one['p99']:.3g})"
    return times if one is ours else f"{times}, ×{one['median'] / ours['median']:.3g}"


def _stages(part: Part) -> str:
    columns = part["stages"]
    names = list(dict.fromkeys(n for one in columns.values() for n in one))
    names.sort(key=(REQUEST, PILLOW_ENCODER).__contains__)
    rows = [
        [name, *(f"{one[name]:,.1f}" if name in one else "–" for one in columns.values())]
        for name in names
    ]
    return "\n".join(
        [
            "## CPU time of one request by stage\n",
            _about(part),
            "CPU time in µs, of other images, one request after the other in one process without"
            " a network.\n",
            table(["stage", *columns], rows),
            "",
        ]
    )
