"""Figures become SVG that follows the reader's light or dark: calibration, and what is confused.

Drawn here because what a plotting library writes has its colours fixed.
"""

import math
from collections.abc import Sequence
from html import escape

from benchmarks.model_cards.figures import Bin, interval

STYLE = """
svg.plot { --surface: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #d9dee3;
  --right: #8250df; --wrong: #b35900; }
@media (prefers-color-scheme: dark) {
  svg.plot { --surface: #12171d; --ink: #e6edf3; --quiet: #9da7b1; --grid: #2f363d;
    --right: #b392f0; --wrong: #ffa657; } }
.plot text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
.plot .title { font-size: 14px; font-weight: 600; fill: var(--ink); }
.plot .count { font-size: 11px; fill: var(--ink); }
.plot .surface { fill: var(--surface); }
.plot .grid { stroke: var(--grid); fill: none; }
.plot .even { stroke: var(--ink); stroke-dasharray: 5 4; }
.plot .right { fill: var(--right); }
.plot .wrong { fill: var(--wrong); }
.plot .line { stroke: var(--right); stroke-width: 1.5; }
.plot .dot { fill: var(--right); stroke: var(--surface); }
"""

SIDE = 250
LEFT, TOP = 54, 74


def calibration(bins: Sequence[Bin], title: str, data: str) -> str:
    """How many were right (up) of those that were so sure (right), with the 95 % interval.

    Dots grow with the number of images.
    """
    parts = []
    for i in range(6):
        level, place = f"{20 * i} %", SIDE * i / 5
        x, y = LEFT + place, TOP + SIDE - place
        parts.append(f'<path class="grid" d="M{LEFT} {y:.0f}h{SIDE}M{x:.0f} {TOP}v{SIDE}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{level}</text>')
        parts.append(f'<text x="{x:.0f}" y="{TOP + SIDE + 18}" text-anchor="middle">{level}</text>')
    parts.append(f'<path class="even" d="M{LEFT} {TOP + SIDE}l{SIDE} {-SIDE}"/>')
    total = sum(one.count for one in bins)
    for one in bins:
        x, y = LEFT + SIDE * one.confidence, TOP + SIDE * (1 - one.accuracy)
        low, high = (TOP + SIDE * (1 - end) for end in interval(one.accuracy, one.count))
        parts.append(f'<path class="line" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
        radius = 2.5 + 9 * math.sqrt(one.count / total)
        words = f"{one.count:,} images: {one.confidence:.1%} sure, {one.accuracy:.1%} right"
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
            f"<title>{words}</title></circle>"
        )
    bottom = TOP + SIDE + 38
    parts.append(f'<text x="{LEFT + SIDE / 2}" y="{bottom}" text-anchor="middle">sure</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 8}" text-anchor="middle">right</text>')
    return _svg(LEFT + SIDE + 24, bottom + 12, title, data, parts)


CELL, WIDE = 26, 44


def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str], title: str, data: str) -> str:
    """A row for each label, a column for each answer; the more wrong ones, the stronger."""
    left = 20 + 7 * max(len(label) for label in labels)
    top = 86
    most = max(n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j)
    parts = [f'<text x="{left}" y="{top - 24}">answer</text>']
    for i, label in enumerate(labels):
        x, y = left + WIDE * i, top + CELL * i
        short = label if len(label) < 7 else f"{label[:5]}…"
        parts.append(
            f'<text x="{x + WIDE / 2}" y="{top - 7}" text-anchor="middle">{escape(short)}</text>'
        )
        parts.append(f'<text x="{left - 8}" y="{y + 17}" text-anchor="end">{escape(label)}</text>')
        for j, count in enumerate(counts[i]):
            x = left + WIDE * j
            words = f"{escape(label)} taken for {escape(labels[j])}: {count:,}"
            kind = "right" if i == j else "wrong"
            shade = 0.18 if i == j else _shade(count, most)
            parts.append(
                f'<rect class="{kind}" x="{x + 1}" y="{y + 1}" width="{WIDE - 2}"'
                f' height="{CELL - 2}" rx="3" fill-opacity="{shade:.2f}"><title>{words}</title>'
                "</rect>"
            )
            if count:
                parts.append(
                    f'<text class="count" x="{x + WIDE / 2}" y="{y + 17}"'
                    f' text-anchor="middle">{count:,}</text>'
                )
    return _svg(left + WIDE * len(labels) + 16, top + CELL * len(labels) + 14, title, data, parts)


def _shade(count: int, most: int) -> float:
    """0.04 for none to 0.6 for the most frequent mistake, by the root, which shows the rare."""
    return 0.04 + 0.56 * math.sqrt(count / max(1, most))


def _svg(width: float, height: float, title: str, data: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" width="{width:.0f}"'
        f' height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
        f' aria-label="{escape(f"{title}, {data}")}"><style>{STYLE}</style>'
        f'<rect class="surface" width="{width:.0f}" height="{height:.0f}" rx="6"/>'
        f'<text class="title" x="12" y="22">{escape(title)}</text>'
        f'<text x="12" y="40">{escape(data)}</text>{"".join(parts)}</svg>\n'
    )
