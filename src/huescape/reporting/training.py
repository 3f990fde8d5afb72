"""A trained system in facts and its learning curve; the AuC curves of all systems in one chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from huescape.figures.lines import Line, chart, ticks
from huescape.reporting.inputs import Json, SystemResult
from huescape.reporting.metrics import BASELINES, TRUTH
from huescape.reporting.wording import NONE, number, plain, thousands

# Colors of the style sheet: systems are drawn strong, baselines thin and dashed.
SYSTEM_STYLES = 6
_SMOOTH = 20
_MOST_POINTS = 240


@dataclass(frozen=True)
class TrainedSystem:
    """A system: (name, value) facts in words, and its learning curve as SVG with its caption."""

    name: str
    facts: tuple[tuple[str, str], ...]
    curve: str
    curve_note: str


@dataclass(frozen=True)
class Legend:
    """An entry of a legend: the CSS class of its line, and its text."""

    style: str
    label: str


@dataclass(frozen=True)
class CurveChart:
    """A chart of AuC curves, its legend, and where its axis ends."""

    svg: str
    legend: tuple[Legend, ...]
    end: int


def trained(result: SystemResult, style: int = 0) -> TrainedSystem:
    """The facts and the learning curve of one system, drawn in the color of `style`."""
    svg, note = _learning_curve(result, style)
    return TrainedSystem(result.name, tuple(_facts(result)), svg, note)


def auc_chart(results: Sequence[SystemResult]) -> CurveChart:
    """acc(t) of every system and baseline; the axis ends where all of them are above 99 %."""
    named = [
        (Legend(system_style(k), result.name), result.curves[result.name])
        for k, result in enumerate(results)
    ]
    first = results[0].curves
    names = [name for name in BASELINES if name in first and name != TRUTH]
    named += [(Legend(f"b{k}", BASELINES[name]), first[name]) for k, name in enumerate(names)]
    at = first["threshold"]
    end = _end(at, [values for _, values in named])
    lines = [Line(legend.label, at, values, legend.style) for legend, values in named]
    svg = chart(
        [_until(line, end) for line in reversed(lines)],  # the systems are drawn on top
        title=f"Share of pixels within a color distance, from 0 to {end}, one line a system",
        x_label="distance in the a, b plane",
        y_label="share of pixels within it",
        x=(0.0, float(end)),
        y=(0.0, 1.0),
    )
    return CurveChart(svg, tuple(legend for legend, _ in named), end)


def system_style(k: int) -> str:
    """The CSS class of the k-th system; the colors repeat after the sixth."""
    return f"s{k % SYSTEM_STYLES}"


def _end(thresholds: Sequence[float], curves: Sequence[Sequence[float]]) -> int:
    enough = [t for k, t in enumerate(thresholds) if all(c[k] >= 0.99 for c in curves)]
    last = enough[0] if enough else thresholds[-1]
    return max(10, math.ceil(last / 10) * 10)


def _until(line: Line, end: int) -> Line:
    """The part of a line up to `end`: what is beyond would be drawn flat on the edge."""
    keep = [k for k, x in enumerate(line.x) if x <= end]
    return Line(line.label, [line.x[k] for k in keep], [line.y[k] for k in keep], line.style)


def _learning_curve(result: SystemResult, style: int) -> tuple[str, str]:
    pairs = zip(result.history["step"], result.history["loss"], strict=True)
    points = [(step, loss) for step, loss in pairs if math.isfinite(loss)]
    if len(points) < 2:
        return "", "Too few steps for a learning curve."
    block = -(-len(points) // _MOST_POINTS)
    raw = _block_means(points, block)
    width = max(1, min(_SMOOTH, len(raw) // 5))
    smooth = _running_mean(raw, width)
    low, high = _range(min(y for _, y in raw), max(y for _, y in raw))
    svg = chart(
        [_line("each", raw, "faint"), _line("running mean", smooth, system_style(style))],
        title=f"Learning curve of {result.name}: the training loss falls from "
        f"{raw[0][1]:.3g} to {smooth[-1][1]:.3g}",
        x_label="step",
        y_label="training loss",
        x=(0.0, raw[-1][0]),
        y=(low, high),
    )
    return svg, "Training loss: thin, as it was recorded; thick, its running mean."


def _line(label: str, points: Sequence[tuple[float, float]], style: str) -> Line:
    return Line(label, [x for x, _ in points], [y for _, y in points], style)


def _block_means(points: Sequence[tuple[float, float]], block: int) -> list[tuple[float, float]]:
    parts = [points[k : k + block] for k in range(0, len(points), block)]
    return [(part[-1][0], sum(y for _, y in part) / len(part)) for part in parts]


def _running_mean(points: Sequence[tuple[float, float]], width: int) -> list[tuple[float, float]]:
    """The mean over the `width` points around each one, fewer at the ends."""
    found = []
    for k, (x, _) in enumerate(points):
        window = points[max(0, k - width // 2) : k + width // 2 + 1]
        found.append((x, sum(y for _, y in window) / len(window)))
    return found


def _range(low: float, high: float) -> tuple[float, float]:
    """An axis that holds the values and ends on round ones."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = ticks(low, high)
    size = step[1] - step[0]
    return math.floor(low / size) * size, math.ceil(high / size) * size


def _facts(result: SystemResult) -> list[tuple[str, str]]:
    """What a reader asks first, in words; what a model's record does not say is left out."""
    model = result.model
    params = _part(model, "params")
    optimizer, loss = _part(params, "optimizer"), _part(params, "loss")
    network = _part(params, "network")
    facts = [
        ("network", network.get("name")),
        ("preset", params.get("preset")),
        ("quantizer", params.get("quantizer")),
        ("parameters", _counted(model, "parameters")),
        ("steps", _counted(model, "steps")),
        ("batch", params.get("batch")),
        ("loss", _loss(loss)),
        ("optimizer", _optimizer(optimizer)),
        ("augmentation", _augmentation(_part(params, "augmentation"))),
        ("seed", params.get("seed")),
        ("final training loss", plain(model.get("loss"))),
        ("target shards", str(model.get("dataset_digest") or "")[:12]),
    ]
    return [(name, str(value)) for name, value in facts if value not in (None, "", NONE)]


def _loss(loss: Json) -> str:
    if not loss:
        return ""
    weighted = ", rebalanced by class weights" if loss.get("weighted") else ""
    return str(loss.get("name", "")).replace("_", " ") + weighted


def _optimizer(optimizer: Json) -> str:
    rate = number(optimizer.get("lr"))
    if rate is None:
        return ""
    places = optimizer.get("milestones") or []
    steps = ", ".join(f"{100 * share:g} %" for share in places)
    gamma = optimizer.get("gamma")
    factors = ", ".join(f"{factor:g}" for factor in (gamma if isinstance(gamma, list) else [gamma]))
    falls = f", times {factors} at {steps} of the run" if steps else ""
    return f"{optimizer.get('name')}, learning rate {rate:g}{falls}"


def _augmentation(section: Json) -> str:
    parts = ["flips" if section.get("flip") else ""]
    parts.append(f"{section['crop']}² crops" if section.get("crop") else "")
    noise = [f"{level:g}" for level in section.get("noise") or []]
    parts.append(f"noise on the lightness ({', '.join(noise)})" if noise else "")
    return ", ".join(part for part in parts if part)


def _counted(model: Json, key: str) -> str:
    return thousands(model.get(key))


def _part(section: Json, key: str) -> Json:
    value = section.get(key)
    return value if isinstance(value, dict) else {}
