"""The page of a probe, from what it found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huescape.reporting.own_page import Figure, Part, Table, page_of, with_interval

_SCORES = ("accuracy", "balanced")


def probe_page(record: Mapping[str, Any], depth: Path) -> str:
    """How well scenes are told from the features of each block, against what knows nothing."""
    name, photos = record["system"], record["photos"]
    rows = tuple(
        (
            f"{row['weights']}, {row['block']}" if row["block"] else row["weights"],
            str(row["features"]),
            *(with_interval(row[score]["value"], row[score]["interval"]) for score in _SCORES),
        )
        for row in record["probes"]
    )
    table = Table(
        "On test photos, with 95 % intervals over photos; balanced: each category alike.",
        ("Weights, block", "Features", "Accuracy", "Balanced"),
        rows,
    )
    shown = Figure(
        depth,
        f"Accuracy over the depth of the block, of {name} as trained, of random weights, and of "
        "gray pixels.",
        "The accuracy by the block's depth; the lines without a slope are gray pixels, and the "
        "most frequent category.",
    )
    text = (
        f"A linear classifier for each block, fitted on {photos['train']} photos of "
        f"{len(record['categories'])} categories and tested on {photos['test']}. The most frequent "
        f"category alone is right for {record['most_frequent']:.3f} of them."
    )
    lede = f"What the blocks of {name} know of a photo's scene, by a linear classifier."
    part = Part("By block", text, tables=(table,), figures=(shown,))
    return page_of(f"Probe of {name}", lede, [part])
