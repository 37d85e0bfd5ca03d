"""Numbers become charts: SVG text whose colours follow the reader's light or dark theme.

Written here because a plotting library fixes its colours when it writes the file.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

STYLE = """
svg.chart { --surface: #ffffff; --text: #1f2328; --muted: #59636e; --grid: #d9dee3;
  --first: #8250df; --second: #b35900; }
@media (prefers-color-scheme: dark) {
  svg.chart { --surface: #12171d; --text: #e6edf3; --muted: #9da7b1; --grid: #2f363d;
    --first: #b392f0; --second: #ffa657; } }
.chart text { font: 12px system-ui, sans-serif; fill: var(--muted); }
.chart .title { font-size: 14px; font-weight: 600; fill: var(--text); }
.chart .count { font-size: 11px; fill: var(--text); }
.chart .surface { fill: var(--surface); }
.chart .grid { stroke: var(--grid); stroke-width: 1; }
.chart .reference { stroke: var(--text); stroke-width: 1; stroke-dasharray: 5 4; }
.chart .first { --series: var(--first); }
.chart .second { --series: var(--second); }
.chart text.first, .chart text.second { fill: var(--series); font-weight: 600; }
.chart rect.first, .chart rect.second { fill: var(--series); }
.chart polyline { fill: none; stroke: var(--series); stroke-width: 2; }
.chart circle { fill: var(--series); stroke: var(--surface); }
.chart circle.best { fill: var(--surface); stroke: var(--series); stroke-width: 2; }
"""


@dataclass(frozen=True)
class Axis:
    """Maps data from `low` to `high` linearly to pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def pixel(self, value: float) -> float:
        """The pixel of `value`; the middle of the axis when `low` is `high`."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + share * (self.end - self.start)


class Chart:
    """An SVG to draw on; coordinates are pixels from the top left corner."""

    def __init__(self, width: float, height: float, title: str, subtitle: str = "") -> None:
        self._svg = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "class": "chart",
                "width": f"{width:.0f}",
                "height": f"{height:.0f}",
                "viewBox": f"0 0 {width:.0f} {height:.0f}",
                "role": "img",
                "aria-label": f"{title}, {subtitle}" if subtitle else title,
            },
        )
        ElementTree.SubElement(self._svg, "style").text = STYLE
        self.rectangle("surface", 0, 0, width, height, radius=6)
        self.text(title, 12, 22, style="title")
        if subtitle:
            self.text(subtitle, 12, 40)

    def __str__(self) -> str:
        """The finished SVG."""
        return ElementTree.tostring(self._svg, encoding="unicode") + "\n"

    def text(
        self, text: str, x: float, y: float, *, anchor: str = "start", style: str | None = None
    ) -> None:
        """Write `text` whose `anchor` (start, middle, end) is at x and whose baseline is at y."""
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
        self._add("text", style, place).text = text

    def line(self, style: str, points: Sequence[tuple[float, float]]) -> None:
        """Join `points` by straight lines."""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._add("polyline", style, {"points": joined})

    def circle(
        self, style: str, x: float, y: float, radius: float, tooltip: str | None = None
    ) -> None:
        """Draw a disc around (x, y)."""
        place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{radius:.1f}"}
        self._add("circle", style, place, tooltip)

    def rectangle(
        self,
        style: str,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        radius: float = 3,
        opacity: float = 1,
        tooltip: str | None = None,
    ) -> None:
        """Fill a rectangle with rounded corners whose top left one is at (x, y)."""
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "rx": f"{radius:.0f}"}
        size = {"width": f"{width:.0f}", "height": f"{height:.0f}"}
        fill = {} if opacity == 1 else {"fill-opacity": f"{opacity:.2f}"}
        self._add("rect", style, {**place, **size, **fill}, tooltip)

    def horizontal_grid(
        self, x: Axis, y: Axis, ticks: Sequence[float], label: Callable[[float], str]
    ) -> None:
        """Draw a line at each tick of `y`, with its label on the left."""
        for tick in ticks:
            at = y.pixel(tick)
            self.line("grid", [(x.start, at), (x.end, at)])
            self.text(label(tick), x.start - 7, at + 4, anchor="end")

    def vertical_grid(
        self, x: Axis, y: Axis, ticks: Sequence[float], label: Callable[[float], str]
    ) -> None:
        """Draw a line at each tick of `x`, with its label below."""
        for tick in ticks:
            at = x.pixel(tick)
            self.line("grid", [(at, y.start), (at, y.end)])
            self.text(label(tick), at, y.start + 18, anchor="middle")

    def _add(
        self, tag: str, style: str | None, attributes: dict[str, str], tooltip: str | None = None
    ) -> ElementTree.Element:
        classes = {"class": style} if style else {}
        element = ElementTree.SubElement(self._svg, tag, {**classes, **attributes})
        if tooltip is not None:
            ElementTree.SubElement(element, "title").text = tooltip
        return element


def curves(
    title: str,
    training: Sequence[float],
    validation: Sequence[float],
    *,
    percent: bool = False,
    reference: tuple[str, float] | None = None,
    best: int | None = None,
) -> str:
    """The SVG of one figure over the epochs, for the training and the validation images.

    `reference` is a named level, drawn dashed. A ring marks `best`, an epoch counted from 1.
    """
    width, height = 400, 250
    values = [*training, *validation, *([reference[1]] if reference else [])]
    ticks = _ticks(min(values), max(values))
    x = Axis(1, len(training), 56, width - 22)
    y = Axis(ticks[0], ticks[-1], height - 36, 52)
    frame = Axis(0, 1, 48, width - 14)

    def label(value: float) -> str:
        return f"{100 * value:.4g}%" if percent else f"{value:.4g}"

    chart = Chart(width, height, title)
    chart.horizontal_grid(frame, y, ticks, label)
    for epoch in range(1, len(training) + 1, max(1, math.ceil(len(training) / 10))):
        chart.text(str(epoch), x.pixel(epoch), height - 20, anchor="middle")
    chart.text("epoch", frame.pixel(0.5), height - 6, anchor="middle")
    if reference:
        level = y.pixel(reference[1])
        chart.line("reference", [(frame.start, level), (frame.end, level)])
        chart.text(f"- - {reference[0]}", frame.end, 41, anchor="end")
    for style, name, figures, left in (
        ("first", "training", training, 12),
        ("second", "validation", validation, 102),
    ):
        chart.circle(style, left + 4, 37, 4)
        chart.text(name, left + 13, 41, style=style)
        points = [(x.pixel(i), y.pixel(value)) for i, value in enumerate(figures, 1)]
        chart.line(style, points)
        for epoch, (point, value) in enumerate(zip(points, figures, strict=True), 1):
            chart.circle(style, *point, 3, f"{name}, epoch {epoch}: {label(value)}")
    if best is not None:
        kept = x.pixel(best), y.pixel(validation[best - 1])
        chart.circle("second best", *kept, 5, f"epoch {best} was kept")
    return str(chart)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below `low` to above `high`; their step is 1, 2 or 5 · 10ⁿ."""
    spread = max(high - low, 0.02)
    power = 10.0 ** math.floor(math.log10(spread / 4))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= spread / 4)
    first = math.floor(low / step)
    last = max(math.ceil(high / step), first + 1)
    return [step * number for number in range(first, last + 1)]
