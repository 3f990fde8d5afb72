"""The card of a release: facts and scores, filled into card.md.

Its sections are those of Mitchell et al., Model Cards for Model Reporting (2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from huescape.metrics import bootstrap
from huescape.metrics.names import BASELINES
from huescape.metrics.score import Score
from huescape.metrics.scores import METRICS
from huescape.reporting.inputs import SystemResult
from huescape.reporting.wording import NONE, number, signed, thousands

_BASELINES = ("gray", "prior_mean", "ground_truth")
_SHOWN: tuple[Score, ...] = tuple(metric for metric in METRICS if metric.headline)


def card(
    result: SystemResult, facts: Mapping[str, Any], notes: Mapping[str, str], decode: str
) -> str:
    """The card as Markdown.

    Args:
        facts: the section `release` of the description, with `half_precision` in it.
        notes: what a person wrote, by name.
        decode: the name of the release's decoding, which is among those that were scored.
    """
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["thousands"] = thousands
    source = Path(__file__).with_name("card.md").read_text(encoding="utf-8")
    kinds = {source["kind"] for source in facts["licences"].values()}
    return environment.from_string(source).render(
        facts=facts,
        notes=notes,
        model=result.model,
        pretrained=_architecture(result.model.get("pretrained")),
        scores=result.scores,
        distribution=result.scores["distribution"],
        decode=decode,
        metrics=_SHOWN,
        rows=_score_rows(result, decode),
        against_gray=_against_gray(result, decode),
        is_rendered=kinds == {"sample"},
    )


def _architecture(pretrained: str | None) -> str | None:
    """The name of the pretrained network without the place of its weights."""
    return pretrained.partition(":")[0] if pretrained else None


def _score_rows(result: SystemResult, decode: str) -> list[tuple[str, list[str]]]:
    """(label, cells) of the release's decoding first, of the others, and of baselines."""
    found = result.scores["decodes"]
    others = [name for name in found if name != decode] if result.scores["head"] == "bins" else []
    names = [decode, *others]
    baselines = [name for name in _BASELINES if name in result.scores["baselines"]]
    drawn = bootstrap.resampled([(result.photos, name) for name in (*names, *baselines)])
    scores = [*(found[name] for name in names)]
    scores += [result.scores["baselines"][name] for name in baselines]
    labels = [f"**{decode}**", *others, *(BASELINES[name].label for name in baselines)]
    return [
        (label, [_cell(metric, one, values) for metric in _SHOWN])
        for label, one, values in zip(labels, scores, drawn, strict=True)
    ]


def _cell(metric: Score, scores: Mapping[str, Any], drawn: Mapping[str, Any]) -> str:
    """A score, with its interval where it is kept photo by photo."""
    value = number(scores.get(metric.key))
    if value is None:
        return NONE
    text = f"{value:.{metric.digits}f}"
    if metric.key not in drawn:
        return text
    low, high = bootstrap.interval(drawn[metric.key])
    return f"{text} ({low:.{metric.digits}f} to {high:.{metric.digits}f})"


def _against_gray(result: SystemResult, decode: str) -> list[str]:
    """How the scores differ from those of gray, on the same draws of photos."""
    pair: Sequence[tuple[Any, str]] = [(result.photos, decode), (result.photos, "gray")]
    own, gray = bootstrap.resampled(pair)
    said = []
    for metric in _SHOWN:
        if metric.key not in own or metric.best == "truth":
            continue
        scores = result.scores["decodes"][decode], result.scores["baselines"]["gray"]
        first, second = (number(one.get(metric.key)) for one in scores)
        if first is None or second is None:
            continue
        ends = bootstrap.interval(own[metric.key] - gray[metric.key])
        low, high = (signed(end, metric.digits + 1) for end in ends)
        said.append(f"{metric.label} {signed(first - second, metric.digits + 1)} ({low} to {high})")
    return said
