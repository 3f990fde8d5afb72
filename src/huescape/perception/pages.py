"""The pages of perceive and neighbors, from what they found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huescape.metrics.names import BASELINES, TRUTH
from huescape.perception.likeness import FRECHET, KERNEL
from huescape.perception.pictures import PREDICTIONS, SYSTEM
from huescape.reporting.own_page import NONE, Figure, Part, Table, page_of, with_interval

_SHARES = ("min", "p5", "median", "p95", "max")
_MEASURES = {
    "hamming": "Bits of the hash apart",
    "cosine_color": "Cosine of features, in color",
    "cosine_gray": "Cosine of features, in gray",
}


def perception_page(record: Mapping[str, Any]) -> str:
    """What the classifiers say of a system's test photos, and how far its features are off."""
    labels = {key: BASELINES[key].label for key in PREDICTIONS if key != SYSTEM}
    labels = {SYSTEM: record["system"], **labels}
    answers = Part(
        "What classifiers see",
        "Shares of the photos with 95 % intervals over photos: how often the class is the true "
        "one, and how often it is the one that the same classifier sees in the true photo.",
        tuple(record["warnings"]),
        tuple(
            _answers(name, group, told["groups"][group], labels)
            for name, told in record["classifiers"].items()
            for group, one in told["groups"].items()
            if group == "all" or one["photos"] < record["photos"]  # else the same once more
        ),
    )
    parts = [answers]
    if record["distances"]:
        parts.append(_distances(record["distances"], labels))
    lede = (
        f"{record['photos']} test photos as they are, in gray, and as {record['system']} colors "
        f"them ({record['decode']}), seen by networks that were trained on ImageNet."
    )
    return page_of(f"Perception of {record['system']}", lede, parts)


def _answers(name: str, group: str, told: Mapping[str, Any], labels: Mapping[str, str]) -> Table:
    found = told["predictions"]
    measures = [*found[SYSTEM]]
    rows = []
    for key, label in labels.items():
        said = (found[key][measure] for measure in measures)
        rows.append((label, *(with_interval(one["value"], one["interval"]) for one in said)))
    caption = f"{name}: {group.replace('_', ' ')} ({told['photos']} photos)"
    return Table(caption, ("Picture", *(m.replace("_", " ") for m in measures)), tuple(rows))


def _distances(found: Mapping[str, Any], labels: Mapping[str, str]) -> Part:
    rows = [
        (
            labels[key],
            with_interval(one[FRECHET]),
            with_interval(one[KERNEL], one.get("kernel_interval"), 4),
            *_halves(one["apart"]),
        )
        for key, one in found["predictions"].items()
    ]
    rows.append((labels[TRUTH], NONE, NONE, *_halves(found["floor"])))
    caption = (
        "From the features of the same photos as they are; and of one half of the photos from "
        "those of the other half as they are, where the ground truth is the floor of the others."
    )
    halves = (f"{name}, halves" for name in (FRECHET, KERNEL))
    head = ("Picture", FRECHET, KERNEL, *halves)
    return Part(
        "Distances of features",
        "How far the features of the colored photos are from those of the true ones; less is "
        "nearer. They are no FID and no KID, which are on another network.",
        tables=(Table(caption, head, tuple(rows)),),
    )


def _halves(found: Mapping[str, Any]) -> tuple[str, str]:
    return with_interval(found[FRECHET]), with_interval(found[KERNEL], None, 4)


def neighbors_page(told: Mapping[str, Any], pairs: Path | None) -> str:
    """How near the photos' nearest training photos are, and the closest pairs."""
    among = told["training_among_themselves"]
    sides = {f"{told['split']} photos": told, "training photos among themselves": among}
    rows = tuple(
        (f"{label}, {side}", *(f"{one['nearest'][key][share]:g}" for share in _SHARES))
        for key, label in _MEASURES.items()
        for side, one in sides.items()
    )
    caption = "Of each photo's nearest training photo: the least, quantiles, and the most."
    within, distance = told["within_max_distance"], told["max_distance"]
    text = (
        f"{within} of {told['photos']} photos have a training photo at most {distance} bits of the "
        "perceptual hash apart, which would count as a copy."
    )
    table = Table(caption, ("Measure", *_SHARES), rows)
    parts = [Part("How near they are", text, tables=(table,))]
    if pairs:
        shown = Figure(
            pairs,
            f"Pairs of pictures: a photo of {told['split']}, and the training photo nearest to it.",
            "Beside each photo its training photo; below both ids, the cosines and the bits apart.",
        )
        text = "Copies first, then the pairs with the highest cosine of features in color."
        parts.append(Part("The closest pairs", text, figures=(shown,)))
    lede = (
        f"The {told['photos']} photos of the split {told['split']}, and the nearest to each among "
        f"{told['training_photos']} training photos."
    )
    return page_of(f"Nearest training photos of {told['split']}", lede, parts)
