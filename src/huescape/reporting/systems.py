"""What the systems are, what they cost, and how they were trained; the comparison as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from huescape.base.tables import NUMBER, TEXT, WHOLE, frame
from huescape.metrics.scores import METRICS
from huescape.reporting.groups import Group
from huescape.reporting.inputs import Json, SystemResult
from huescape.reporting.intervals import Estimate
from huescape.reporting.scores import ScoreRow, TextTable
from huescape.reporting.wording import NONE, counted, file_size, plain, thousands

RANDOM = "random"
_FACTS = ("network", "head", "loss", "quantizer", "pretrained", "steps", "batch")
# Of a score, in a table.
_PARTS = ("", "_half_interval", "_low", "_high")
#: How the page calls and writes each cost of one photo.
_COSTS: dict[str, tuple[str, Any]] = {
    "parameters": ("Parameters", thousands),
    "trained_parameters": ("Trained", thousands),
    "macs_per_photo_inference": ("MACs, inference", counted),
    "macs_per_photo_training": ("MACs, training", counted),
    "activation_bytes_per_photo": ("Activations", file_size),
}


@dataclass(frozen=True)
class Comparison:
    """What each group is and costs, in words.

    `cost_sizes` are the sizes of the photos that the costs were counted for: `256 by 256`;
    `random` names systems without the pretrained weights that they could have.
    """

    facts: TextTable
    costs: TextTable
    cost_sizes: tuple[str, ...]
    random: tuple[str, ...]


def compared(groups: Sequence[Group]) -> Comparison:
    """The groups as rows of two tables."""
    costs = [group.members[0].scores["cost"] for group in groups]
    facts = ((group.name, *facts_of(group).values()) for group in groups)
    counts = (
        (group.name, *(form(cost[key]) for key, (_, form) in _COSTS.items()))
        for group, cost in zip(groups, costs, strict=True)
    )
    return Comparison(
        TextTable(("System", *(name.capitalize() for name in _FACTS)), tuple(facts)),
        TextTable(("System", *(label for label, _ in _COSTS.values())), tuple(counts)),
        tuple(sorted({cost["input"].replace("x", " by ") for cost in costs})),
        tuple(group.name for group in groups if _pretrained(group) == RANDOM),
    )


def comparison_table(rows: Sequence[ScoreRow], groups: Sequence[Group]) -> pd.DataFrame:
    """One row a group, baseline or truth: facts, costs, every score with its 95 % intervals.

    Half of that over seeds, and from low to high that over seeds and test photos.
    """
    types = dict.fromkeys(("kind", "name", "systems", "seeds", *_FACTS), TEXT)
    types |= dict.fromkeys(_COSTS, WHOLE)
    scored = [f"{metric.key}{part}" for metric in METRICS for part in _PARTS]
    by_name = {group.name: group for group in groups}
    records = []
    for row in rows:
        found = [_parts(one) for one in row.means.values()]
        known = _identity(by_name[row.name]) if row.kind == "system" else [None] * (len(types) - 2)
        records.append([row.kind, row.name, *known, *(value for parts in found for value in parts)])
    return frame(records, types | dict.fromkeys(scored, NUMBER))


def _parts(one: Estimate | None) -> tuple[float | None, ...]:
    return (None,) * len(_PARTS) if one is None else (one.mean, one.half, one.low, one.high)


def facts_of(group: Group) -> dict[str, str]:
    """What a group is, in words, by the names of `_FACTS`."""
    settings, first = group.settings, group.members[0]
    params = first.model["params"]
    loss = str(settings.get("loss.name") or NONE).replace("_", " ")
    return {
        "network": str(settings.get("network.name") or NONE),
        "head": str(first.scores["head"]),
        "loss": f"{loss}, rebalanced" if settings.get("loss.weighted") else loss,
        "quantizer": str(params["quantizer"]),
        "pretrained": _pretrained(group),
        "steps": str(first.model["steps"]),
        "batch": str(params["batch"]),
    }


def training_of(result: SystemResult) -> list[tuple[str, str]]:
    """(name, value) facts of one training, in words; what does not apply is left out."""
    params = result.model["params"]
    facts = [
        ("preset", params["preset"]),
        ("optimizer", _optimizer(params["optimizer"])),
        ("photos", _geometry(params.get("geometry") or {})),
        ("learned from", _photos(params.get("photos") or {})),
        ("augmentation", _augmentation(params["augmentation"])),
        ("seed", params["seed"]),
        ("final training loss", plain(result.model["loss"])),
        ("target shards", result.model["dataset_digest"][:12]),
    ]
    return [(name, str(value)) for name, value in facts if value != ""]


def _identity(group: Group) -> list[object]:
    systems = " ".join(member.name for member in group.members)
    seeds = " ".join(str(seed) for seed in group.seeds)
    facts = (None if text == NONE else text for text in facts_of(group).values())
    cost = group.members[0].scores["cost"]
    return [systems, seeds, *facts, *(cost[key] for key in _COSTS)]


def _pretrained(group: Group) -> str:
    """The weights' name; "random" where there could have been some; a dash where there are none."""
    model = group.members[0].model
    return str(model["pretrained"] or RANDOM) if "pretrained" in model else NONE


def _optimizer(section: Json) -> str:
    parts = [f"{section['name']}, learning rate {section['lr']:g}"]
    if section.get("schedule") == "cosine":
        parts.append("down half a cosine")
    if section.get("milestones"):
        gamma = section["gamma"]
        each = gamma if isinstance(gamma, list) else [gamma]
        factors = ", ".join(f"{factor:g}" for factor in each)
        places = ", ".join(f"{100 * share:g} %" for share in section["milestones"])
        parts.append(f"times {factors} at {places} of the run")
    parts.append("averaged weights" if section.get("average") else "")
    return ", ".join(part for part in parts if part)


def _augmentation(section: Json) -> str:
    parts = ["flips" if section.get("flip") else "", "turns" if section.get("turn") else ""]
    shares = ", ".join(f"{share:g}" for share in section.get("crop_shares") or [])
    parts.append(f"crops to {shares} of the sides" if shares else "")
    parts.append(f"{section['crop']}² crops" if section.get("crop") else "")
    area = " to ".join(f"{100 * share:g}" for share in section.get("area") or [])
    parts.append(f"{area} % of the area resized to them" if area else "")
    parts.append("curves of the lightness" if section.get("lightness") else "")
    noise = [f"{level:g}" for level in section.get("noise") or []]
    parts.append(f"noise on the lightness ({', '.join(noise)})" if noise else "")
    text = ", ".join(part for part in parts if part)
    return f"one at a time: {text}" if text and section.get("mode") == "single" else text


def _photos(section: Json) -> str:
    parts = [", ".join(section.get("only") or [])]
    share = section.get("share", 1)
    parts.append(f"{100 * share:g} % of the training photos" if share < 1 else "")
    return ", ".join(part for part in parts if part)


def _geometry(section: Json) -> str:
    view = section.get("view")
    return _trained_on(section) + (f", scored at {view} pixels at least" if view else "")


def _trained_on(section: Json) -> str:
    side, fit = section.get("side"), section.get("fit", "pad")
    if fit == "inside":
        return f"without padding, short side {side}" if side else "without padding"
    return "padded" if fit == "pad" else f"stretched to {f'{side}²' if side else 'a square'}"
