"""The files of a perception: the headline, everything as JSON, and a table of the photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from huescape.base import atomic, digests
from huescape.base.tables import TEXT, WHOLE, frame, write_table
from huescape.perception.agreement import ACCURACY, AGREEMENT, holds, shares
from huescape.perception.classifiers import FEATURES, LAYER, PUBLISHED
from huescape.perception.collected import REFERENCE, Collected
from huescape.perception.labels import GROUPS, OTHERS, TRAINING, classes
from huescape.perception.likeness import FRECHET, KERNEL, LEAST, likeness
from huescape.perception.pages import perception_page
from huescape.perception.pictures import PREDICTIONS, SYSTEM

#: The file of everything, in the folder of a system.
RECORD = "perception.json"
_DIGITS = 6
_ALL = "all"


@dataclass(frozen=True)
class Asked:
    """The photos as the dataset knows them, in the order of `collected.ids`.

    Attributes:
        label_N: their class, or NO_CLASS.
        group_N: one of `labels.GROUPS` each.
        relations: {classifier: `encoder` or `teacher`}, of those that the system is built on.
    """

    collected: Collected
    label_N: npt.NDArray[np.int64]
    group_N: npt.NDArray[np.str_]
    relations: Mapping[str, str]


def record(asked: Asked, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is found; `facts` (the system, the decoding) come first."""
    found = likeness(asked.collected.features_NPF, asked.collected.ids)
    numbers = {
        **facts,
        "photos": len(asked.collected.ids),
        "groups": {group: int((asked.group_N == group).sum()) for group in GROUPS},
        "classifiers": {name: _classifier(asked, name) for name in asked.collected.best},
        "distances": found,
        "protocol": _protocol(),
        "warnings": _warnings(asked, found),
    }
    rounded: dict[str, Any] = _rounded(numbers)
    return rounded


def headline(record: Mapping[str, Any]) -> dict[str, Any]:
    """What `dvc metrics` shows: the system's own numbers over all photos."""
    distances = record["distances"]
    found: dict[str, Any] = {"photos": record["photos"]}
    for key in (FRECHET, KERNEL):
        found[key] = distances["predictions"][SYSTEM][key] if distances else None
        found[f"{key}_floor"] = distances["floor"][key] if distances else None
    for name, told in record["classifiers"].items():
        said = told["groups"][_ALL]["predictions"][SYSTEM]
        found[name] = {measure: values["value"] for measure, values in said.items()}
    return found


def write(folder: Path, record: Mapping[str, Any], asked: Asked, scores: Path) -> None:
    """Write the headline into the file `scores`, and everything else into `folder`.

    The folder, all or nothing, has everything (`perception.json`), each answer (`photos.csv`), and
    a page (`index.html`);
    its SHA256SUMS lists `scores` too, the file beside it.
    """
    atomic.write_json(scores, headline(record))
    with atomic.fresh_directory(folder) as fresh:
        atomic.write_json(fresh / RECORD, record)
        write_table(fresh / "photos.csv", _photo_table(asked))
        atomic.write_text(fresh / "index.html", perception_page(record))
        digests.seal(fresh, scores)


def _classifier(asked: Asked, name: str) -> dict[str, Any]:
    published = PUBLISHED[name]
    groups = {}
    for group in (_ALL, *GROUPS):
        some_N = np.full(len(asked.group_N), True) if group == _ALL else asked.group_N == group
        if some_N.any():
            measures = holds(asked.collected.best[name][some_N], asked.label_N[some_N])
            groups[group] = {"photos": int(some_N.sum()), "predictions": shares(measures)}
    return {
        "side": published.side,
        "weights_sha256": published.sha256,
        "part_of_system": asked.relations.get(name),
        "groups": groups,
    }


def _protocol() -> dict[str, str]:
    sides = {name: published.side for name, published in PUBLISHED.items()}
    return {
        "photos": "the test split as the stage resize fits it, without padding",
        "view": "the middle square, S / (S + 32) of the shorter side, cubic to S x S; S is "
        + ", ".join(f"{side} ({name})" for name, side in sides.items()),
        "layer": f"{REFERENCE}, {FEATURES} features: {LAYER}",
        "distances": f"{FRECHET} and {KERNEL} are no FID and no KID, which are on Inception v3",
        "kernel": "(x y / F + 1)^3, unbiased; no photo is paired with itself",
        "intervals": "95 %, paired bootstrap over photos",
    }


def _warnings(asked: Asked, distances: Mapping[str, Any] | None) -> list[str]:
    found = []
    photos = len(asked.collected.ids)
    for name, relation in asked.relations.items():
        if name not in asked.collected.best:
            continue
        found.append(f"{name} is the system's own {relation}: judge by the other classifiers")
    seen = int((asked.group_N == TRAINING).sum())
    if seen:
        found.append(
            f"{seen} photos lie as ImageNet's training photos do: the classifiers may have learned "
            "from them"
        )
    if (asked.group_N == OTHERS).any():
        found.append("photos without a class of ImageNet have agreements alone, no accuracy")
    if distances is None:
        found.append(f"{photos} photos are too few for distances, which need {LEAST}")
    elif photos <= FEATURES:
        found.append(
            f"{FRECHET} is of {photos} photos and {FEATURES} features: far too large as an "
            "estimate of more photos; it compares predictions of these photos alone, beside floor"
        )
    return found


def _photo_table(asked: Asked) -> pd.DataFrame:
    """A row for each photo, classifier and prediction, by id."""
    wnids = list(classes())
    rows: list[list[object]] = []
    for n in _by_id(asked.collected.ids):
        label = int(asked.label_N[n])
        known = [asked.collected.ids[n], asked.group_N[n], wnids[label] if label >= 0 else ""]
        for name, best_NP5 in asked.collected.best.items():
            measures = holds(best_NP5[n : n + 1], asked.label_N[n : n + 1])
            for p, prediction in enumerate(PREDICTIONS):
                flags = [
                    int(measures[key][0, p]) if key in measures else None
                    for key in (*AGREEMENT, *ACCURACY)
                ]
                rows.append([*known, name, prediction, wnids[best_NP5[n, p, 0]], *flags])
    names = ("id", "group", "class", "classifier", "prediction", "top1")
    return frame(rows, dict.fromkeys(names, TEXT) | dict.fromkeys((*AGREEMENT, *ACCURACY), WHOLE))


def _by_id(ids: Sequence[str]) -> list[int]:
    return sorted(range(len(ids)), key=ids.__getitem__)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return round(float(value), _DIGITS) if isinstance(value, float | np.floating) else value
