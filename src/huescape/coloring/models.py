"""What a model's description says to those who color with it; no network is built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huescape.coloring.prediction import SIZE
from huescape.systems.system import read_description


def weights_digest(model: Path) -> str:
    """What tells the model from others, as its description has it."""
    return str(read_description(model).get("weights_sha256"))


def seen_side(model: Path, size: int | None) -> int:
    """The longer side, in pixels, of what the network sees; `size`, or the model's own."""
    params = read_description(model).get("params")
    geometry = params.get("geometry") if isinstance(params, dict) else None
    view = geometry.get("view") if isinstance(geometry, dict) else None
    return size or (view if isinstance(view, int) else 0) or SIZE


def training_words(model: Path) -> str:
    """`trained on 30 photos (20 of a, 10 of b)`; empty where the description does not say."""
    release = read_description(model).get("release")
    photos = release.get("photos") if isinstance(release, dict) else None
    if not isinstance(photos, Mapping):
        return ""
    counts = {str(source): _trained(splits) for source, splits in photos.items()}
    parts = [f"{number:,} of {source}" for source, number in counts.items() if number]
    return f"trained on {sum(counts.values()):,} photos ({', '.join(parts)})" if parts else ""


def _trained(splits: Any) -> int:
    number = splits.get("train") if isinstance(splits, Mapping) else None
    return number if isinstance(number, int) else 0
