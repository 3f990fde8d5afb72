"""The files of a probe: the headline, everything as JSON, a table and a figure by depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base import atomic, digests
from huescape.base.tables import FLAG, NUMBER, TEXT, WHOLE, frame, write_table
from huescape.figures import depth
from huescape.metrics.bootstrap import CONFIDENCE, RESAMPLES
from huescape.probing.linear import STRENGTHS, Fitted, measured
from huescape.probing.pages import probe_page
from huescape.probing.scenes import Scenes

TRAINED, PRETRAINED, RANDOM, GRAY = "trained", "pretrained", "random", "gray"
_DIGITS = 6
_SCORES = ("accuracy", "balanced")


@dataclass(frozen=True)
class Probed:
    """One classifier: which features it saw, and what it said.

    Attributes:
        weights: TRAINED, RANDOM or GRAY; PRETRAINED is where a training starts that is not from
            random weights alone.
        block: the module's name; empty for gray pixels.
        depth: 1 for the first block; 0 for gray pixels.
        features: how many it saw of a photo.
    """

    weights: str
    block: str
    depth: int
    features: int
    fitted: Fitted


def record(probes: list[Probed], found: Scenes, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is found; `facts` (the system, the options) come first."""
    label_N = found.labels["test"]
    right = {(probe.weights, probe.block): probe.fitted.predicted_N == label_N for probe in probes}
    rows = [_row(probe, right, label_N) for probe in probes]
    counts_K = np.bincount(found.labels["train"], minlength=len(found.categories))
    numbers = {
        **facts,
        "categories": dict(zip(found.categories, counts_K.tolist(), strict=True)),
        "left_out": dict(found.left_out),
        "photos": {split: len(rows_N) for split, rows_N in found.rows.items()},
        "most_frequent": float((label_N == int(counts_K.argmax())).mean()),
        "protocol": {"strengths": STRENGTHS, "resamples": RESAMPLES, "confidence": CONFIDENCE},
        "probes": rows,
    }
    rounded: dict[str, Any] = _rounded(numbers)
    return rounded


def headline(record: Mapping[str, Any]) -> dict[str, float]:
    """The best of each curve by the validation photos, on the test photos."""
    found: dict[str, float] = {"test_photos": float(record["photos"]["test"])}
    for weights in (TRAINED, PRETRAINED, RANDOM, GRAY):
        rows = [row for row in record["probes"] if row["weights"] == weights]
        if not rows:
            continue
        best = max(rows, key=lambda row: (row["validation"], -row["depth"]))
        found[f"{weights}_accuracy"] = best["accuracy"]["value"]
        found[f"{weights}_balanced"] = best["balanced"]["value"]
    found["most_frequent"] = record["most_frequent"]
    return found


def write(folder: Path, record: Mapping[str, Any], out_json: Path) -> None:
    """Write the headline to `out_json`; to `folder` everything, a table, a figure and a page."""
    atomic.write_json(out_json, headline(record))
    with atomic.fresh_directory(folder) as fresh:
        atomic.write_json(fresh / "probe.json", record)
        write_table(fresh / "probe.csv", _table(record), _DIGITS)
        depth.draw(fresh / "depth.png", record["probes"], record["most_frequent"])
        atomic.write_text(fresh / "index.html", probe_page(record, fresh / "depth.png"))
        digests.seal(fresh, out_json)


def _row(
    probe: Probed,
    right: Mapping[tuple[str, str], npt.NDArray[np.bool_]],
    label_N: npt.NDArray[np.int64],
) -> dict[str, Any]:
    own_N = right[probe.weights, probe.block]
    row: dict[str, Any] = {
        "weights": probe.weights,
        "block": probe.block,
        "depth": probe.depth,
        "features": probe.features,
        "strength": probe.fitted.strength,
        "converged": probe.fitted.converged,
        "validation": probe.fitted.validation,
        **measured(own_N, label_N),
    }
    if probe.weights == TRAINED:
        others = {other: (other, probe.block) for other in (PRETRAINED, RANDOM)} | {
            GRAY: (GRAY, "")
        }
        for other, key in others.items():
            if key in right:
                row[f"less_{other}"] = measured(own_N, label_N, right[key])
    return row


def _table(record: Mapping[str, Any]) -> Any:
    types = {"weights": TEXT, "block": TEXT, "depth": WHOLE, "features": WHOLE}
    types |= {"strength": NUMBER, "converged": FLAG, "validation": NUMBER}
    parts = [part for name in _SCORES for part in (name, f"{name}_low", f"{name}_high")]
    plain = [*types]
    rows = [
        [
            *(row[name] for name in plain),
            *(x for s in _SCORES for x in (row[s]["value"], *row[s]["interval"])),
        ]
        for row in record["probes"]
    ]
    return frame(rows, {**types, **dict.fromkeys(parts, NUMBER)})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
