"""The figures of a run, one an epoch, become a chart: SVG that follows the reader's light or dark.

Drawn here because what a plotting library writes has its colours fixed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 52, 36

STYLE = """
svg.chart { --surface: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #d9dee3;
  --training: #8250df; --validation: #b35900; }
@media (prefers-color-scheme: dark) {
  svg.chart { --surface: #12171d; --ink: #e6edf3; --quiet: #9da7b1; --grid: #2f363d;
    --training: #b392f0; --validation: #ffa657; } }
.chart text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
.chart .title { font-size: 14px; font-weight: 600; fill: var(--ink); }
.chart .surface { fill: var(--surface); }
.chart .grid { stroke: var(--grid); }
.chart .lecture { stroke: var(--ink); stroke-dasharray: 5 4; }
.chart .training { --own: var(--training); }
.chart .validation { --own: var(--validation); }
.chart polyline { fill: none; stroke: var(--own); stroke-width: 2; }
.chart circle { fill: var(--own); stroke: var(--surface); }
.chart text.training, .chart text.validation { fill: var(--own); font-weight: 600; }
.chart .best { fill: var(--surface); stroke: var(--own); stroke-width: 2; }
"""


@dataclass(frozen=True)
class Line:
    """A name, which is its CSS class too, and one figure an epoch."""

    name: str
    figures: Sequence[float]


def draw(
    title: str,
    lines: Sequence[Line],
    *,
    percent: bool = False,
    reference: tuple[str, float] | None = None,
    best: int | None = None,
) -> str:
    """The SVG; `reference` is a level with its name, `best` an epoch of the last line, from 1."""
    figures = [one for line in lines for one in line.figures]
    low, high, step = _range([*figures, reference[1]] if reference else figures)
    plot = _Plot(len(lines[0].figures), low, high, percent)
    parts = [*_axes(plot, step), *_legend(lines)]
    if reference:
        parts += _level(plot, *reference)
    for line in lines:
        parts += _curve(plot, line)
    if best is not None:
        last = lines[-1]
        parts.append(
            f'<circle class="best {last.name}" r="5" cx="{plot.x(best - 1):.1f}"'
            f' cy="{plot.y(last.figures[best - 1]):.1f}"><title>epoch {best} was kept</title>'
            "</circle>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' role="img" aria-label="{escape(title)}"><style>{STYLE}</style>'
        f'<rect class="surface" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="title" x="12" y="22">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )


@dataclass(frozen=True)
class _Plot:
    epochs: int
    low: float
    high: float
    percent: bool

    def x(self, epoch: float) -> float:
        """Epochs from 0; a single one stands in the middle."""
        share = epoch / (self.epochs - 1) if self.epochs > 1 else 0.5
        return LEFT + 8 + share * (WIDTH - LEFT - RIGHT - 16)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def say(self, value: float) -> str:
        return f"{100 * value:.4g} %" if self.percent else f"{value:.4g}"


def _range(figures: Sequence[float]) -> tuple[float, float, float]:
    """The lowest and highest mark and the step between marks, 1, 2 or 5 times a power of ten."""
    low, high = min(figures), max(figures)
    spread = max(high - low, 0.02)
    power = 10.0 ** math.floor(math.log10(spread / 4))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= spread / 4)
    bottom = math.floor(low / step) * step
    top = math.ceil(high / step) * step
    return bottom, top if top > bottom else bottom + step, step


def _axes(plot: _Plot, step: float) -> list[str]:
    parts = []
    for i in range(round((plot.high - plot.low) / step) + 1):
        value = plot.low + i * step
        y = plot.y(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{plot.say(value)}</text>'
        )
    every = max(1, math.ceil(plot.epochs / 10))
    for epoch in range(0, plot.epochs, every):
        at = f'x="{plot.x(epoch):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle"'
        parts.append(f"<text {at}>{epoch + 1}</text>")
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">epoch</text>')
    return parts


def _legend(lines: Sequence[Line]) -> list[str]:
    parts, x = [], 12
    for line in lines:
        parts.append(f'<circle class="{line.name}" cx="{x + 4}" cy="37" r="4"/>')
        parts.append(f'<text class="{line.name}" x="{x + 13}" y="41">{line.name}</text>')
        x += 90
    return parts


def _level(plot: _Plot, name: str, value: float) -> list[str]:
    y = plot.y(value)
    return [
        f'<path class="lecture" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>',
        f'<text x="{WIDTH - RIGHT}" y="41" text-anchor="end">- - {escape(name)}</text>',
    ]


def _curve(plot: _Plot, line: Line) -> list[str]:
    points = [(plot.x(i), plot.y(value)) for i, value in enumerate(line.figures)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [f'<polyline class="{line.name}" points="{path}"/>']
    for i, ((x, y), value) in enumerate(zip(points, line.figures, strict=True)):
        words = f"{line.name}, epoch {i + 1}: {plot.say(value)}"
        parts.append(
            f'<circle class="{line.name}" r="3" cx="{x:.1f}" cy="{y:.1f}">'
            f"<title>{words}</title></circle>"
        )
    return parts
