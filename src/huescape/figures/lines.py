"""A line chart as inline SVG whose colors come from the page's style sheet, in light and in dark.

Classes: `grid`, `axis`, `tick`, `label`, and for every line the class that its caller names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 14.0, 12.0, 50.0
Range = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line through the points (x, y); `style` is its CSS class; points that are NaN are gaps."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: str


def chart(
    lines: Sequence[Line], *, title: str, x_label: str, y_label: str, x: Range, y: Range
) -> str:
    """An SVG element of 640 x 360 units; `x` and `y` are the ends of the axes.

    `title` is its text for those who cannot see it. Points outside the axes are clipped to them.
    Raises ValueError for an empty axis.
    """
    if not (x[0] < x[1] and y[0] < y[1]):
        raise ValueError(f"an axis is empty: x from {x[0]} to {x[1]}, y from {y[0]} to {y[1]}")
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{escape(title)}">'
    ]
    parts += [_horizontal(value, y) for value in ticks(*y)]
    parts += [_vertical(value, x) for value in ticks(*x)]
    parts.append(_axis_labels(x_label, y_label))
    parts += [_polyline(line, x, y) for line in lines]
    parts.append("</svg>")
    return "".join(parts)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten) from `low` to `high`, about `about` of them."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def _polyline(line: Line, x: Range, y: Range) -> str:
    runs: list[list[str]] = [[]]
    for px, py in zip(line.x, line.y, strict=True):
        if math.isfinite(px) and math.isfinite(py):
            runs[-1].append(f"{_across(px, x):.1f},{_down(py, y):.1f}")
        elif runs[-1]:
            runs.append([])
    drawn = "".join(f'<polyline points="{" ".join(run)}"/>' for run in runs if run)
    return f'<g class="line {escape(line.style)}"><title>{escape(line.label)}</title>{drawn}</g>'


def _horizontal(value: float, y: Range) -> str:
    at = _down(value, y)
    return (
        f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text class="tick" x="{LEFT - 8:g}" y="{at:.1f}" dy="0.35em" text-anchor="end">'
        f"{value:g}</text>"
    )


def _vertical(value: float, x: Range) -> str:
    at = _across(value, x)
    anchor = "end" if at > WIDTH - RIGHT - 8 else "middle"  # the last one stays in the picture
    return (
        f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{HEIGHT - BOTTOM:g}" '
        f'y2="{HEIGHT - BOTTOM + 4:g}"/>'
        f'<text class="tick" x="{at:.1f}" y="{HEIGHT - BOTTOM + 19:g}" text-anchor="{anchor}">'
        f"{value:g}</text>"
    )


def _axis_labels(x_label: str, y_label: str) -> str:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return (
        f'<line class="axis" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{HEIGHT - BOTTOM:g}" '
        f'y2="{HEIGHT - BOTTOM:g}"/>'
        f'<text class="label" x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 8:g}" '
        f'text-anchor="middle">{escape(x_label)}</text>'
        f'<text class="label" transform="translate(16 {middle:g}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label)}</text>'
    )


def _across(value: float, x: Range) -> float:
    share = min(max((value - x[0]) / (x[1] - x[0]), 0.0), 1.0)
    return LEFT + share * (WIDTH - RIGHT - LEFT)


def _down(value: float, y: Range) -> float:
    share = min(max((value - y[0]) / (y[1] - y[0]), 0.0), 1.0)
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
