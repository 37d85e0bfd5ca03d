"""A model's figures become SVG plots: its calibration and its confusion matrix."""

import math
from collections.abc import Sequence

from benchmarks.model_cards.figures import Bin, interval
from training.reproduction.charts import Axis, Chart

SIDE = 250
"""Width and height of the calibration plot's area, in pixels."""
CELL_HEIGHT, CELL_WIDTH = 26, 44


def calibration(bins: Sequence[Bin], title: str, data: str) -> str:
    """The accuracy (up) of the images of each bin over their mean confidence (right).

    A bar is the 95 % interval of the accuracy; the area of a disc grows with the number of images.
    """
    left, top = 54, 74
    x = Axis(0, 1, left, left + SIDE)
    y = Axis(0, 1, top + SIDE, top)
    ticks = [i / 5 for i in range(6)]
    chart = Chart(left + SIDE + 24, top + SIDE + 50, title, data)
    chart.horizontal_grid(x, y, ticks, "{:.0%}".format)
    chart.vertical_grid(x, y, ticks, "{:.0%}".format)
    chart.line("reference", [(x.start, y.start), (x.end, y.end)])
    total = sum(one.count for one in bins)
    for one in bins:
        at = x.pixel(one.confidence)
        chart.line("first", [(at, y.pixel(end)) for end in interval(one.accuracy, one.count)])
        chart.circle(
            "first",
            at,
            y.pixel(one.accuracy),
            2.5 + 9 * math.sqrt(one.count / total),
            f"{one.count:,} images: confidence {one.confidence:.1%}, accuracy {one.accuracy:.1%}",
        )
    chart.text("confidence", x.pixel(0.5), y.start + 38, anchor="middle")
    chart.text("accuracy", 12, top - 12)
    return str(chart)


def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str], title: str, data: str) -> str:
    """A row for each label and a column for each answer.

    Wrong answers are shaded by the root of their number, which leaves rare ones visible.
    """
    left, top = 20 + 7 * max(len(label) for label in labels), 86
    size = left + CELL_WIDTH * len(labels) + 16, top + CELL_HEIGHT * len(labels) + 14
    most = max(1, *(n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j))
    chart = Chart(*size, title, data)
    chart.text("answer", left, top - 24)
    for i, label in enumerate(labels):
        middle, baseline = left + CELL_WIDTH * (i + 0.5), top + CELL_HEIGHT * i + 17
        short = label if len(label) < 7 else f"{label[:4]}…"
        chart.text(short, middle, top - 7, anchor="middle")
        chart.text(label, left - 8, baseline, anchor="end")
        for j, count in enumerate(counts[i]):
            chart.rectangle(
                "first" if i == j else "second",
                left + CELL_WIDTH * j + 1,
                top + CELL_HEIGHT * i + 1,
                CELL_WIDTH - 2,
                CELL_HEIGHT - 2,
                opacity=0.18 if i == j else 0.04 + 0.56 * math.sqrt(count / most),
                tooltip=f"{label} classified as {labels[j]}: {count:,}",
            )
            if count:
                middle = left + CELL_WIDTH * (j + 0.5)
                chart.text(f"{count:,}", middle, baseline, anchor="middle", style="count")
    return str(chart)
