"""What a project holds about a trained system, and what keeps it from being released."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import huescape
from huescape.base.digests import file_sha256, read_verified
from huescape.base.errors import HuescapeError
from huescape.params import places
from huescape.params.decodings import Decoding
from huescape.params.photos import FilterParams
from huescape.params.systems import PhotosParams
from huescape.photos.catalog import SPLITS, CatalogRow
from huescape.photos.catalog_file import CATALOG, read_kept
from huescape.photos.near_hashes import pairs_within
from huescape.reporting import inputs
from huescape.systems.system import DESCRIPTION, WEIGHTS, read_description
from huescape.tracking.context import LOCK, surroundings

_NAMED = 10  # photos that a message names
_CLOSE = FilterParams().max_distance


@dataclass(frozen=True)
class Trained:
    """A system of the project, with all that its release says of it.

    `rows` are the kept photos of the catalog, `sources` what `data/raw/sources.json` says of those
    that photos were kept of, `summary` what the catalog says of itself.
    """

    name: str
    model: Path
    result: inputs.SystemResult
    rows: tuple[CatalogRow, ...]
    sources: tuple[dict[str, Any], ...]
    summary: dict[str, Any]

    @property
    def usual(self) -> Decoding:
        """The decoding of its headline scores."""
        return Decoding.model_validate(self.result.scores["settings"]["decode"])

    @property
    def scored(self) -> tuple[str, ...]:
        """The names of the decodings that it was scored by."""
        return tuple(self.result.scores["decodes"])


def read_trained(name: str) -> Trained:
    """Read the files of system `name` in the current folder.

    Raises HuescapeError where one is missing, damaged or does not belong to the others, and for
    training photos that are in the test set, too.
    """
    model = places.trained_model(name)
    for path in (places.CATALOG, places.RAW, places.RESIZED):
        places.needed(path)
    read_description(model)
    result = inputs.read_result(places.EVALUATION / f"{name}.json", model)
    _check_scores(name, model, result)
    rows = read_kept(places.CATALOG / CATALOG)
    refuse_tested(rows)
    _check_photos(name, result.model)
    found = inputs.read_catalog(places.RAW, places.CATALOG)
    own = {row.source for row in rows}
    sources = tuple(source for source in found.sources if source["name"] in own)
    return Trained(name, model, result, tuple(rows), sources, found.summary)


def refuse_tested(rows: Sequence[CatalogRow]) -> None:
    """Raise HuescapeError, with names, for training photos that are also in the test set.

    The same are equal contents, and perceptual hashes as close as those of copies
    (`filter.max_distance`, by default).
    """
    found = list(_shared(rows))
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        named = ", ".join(f"{one} (as {other})" for one, other in found[:_NAMED])
        raise HuescapeError(
            f"{places.CATALOG / CATALOG}: {len(found)} training photos are in the test set, too: "
            f"{named}{more}; allowed: none, which filter.max_distance {_CLOSE} sees to"
        )


def facts_of(trained: Trained, decoding: Decoding) -> dict[str, Any]:
    """The section `release` of `system.json`, without a date: equal inputs give equal facts."""
    description = trained.result.model
    learned = learned_from(description, trained.rows)
    rows = [row for row in trained.rows if row.split != "train"] + learned
    counts = Counter((row.source, row.split) for row in rows)
    return {
        "system": trained.name,
        "decode": decoding.model_dump(mode="json"),
        "huescape": huescape.__version__,
        "commit": surroundings().get("git.commit"),
        "params_sha256": _digest([description["params"], description["quantizer"]]),
        "dvc_lock_sha256": file_sha256(LOCK) if LOCK.is_file() else None,
        "data": {
            "photos_sha256": trained.summary["dataset_digest"],
            "shards_sha256": description["dataset_digest"],
            "resized_sha256": file_sha256(places.RESIZED / "index.json"),
        },
        "photos": {
            source["name"]: {split: counts[source["name"], split] for split in SPLITS}
            for source in trained.sources
        },
        "licences": {
            source["name"]: {key: source.get(key, "") for key in ("kind", "licence", "homepage")}
            for source in trained.sources
        },
        "steps": dict(_steps(trained.name, description)),
    }


def _check_scores(name: str, model: Path, result: inputs.SystemResult) -> None:
    if (split := result.scores["settings"]["split"]) != "test":
        raise HuescapeError(
            f"{places.EVALUATION / name}: scores on the split {split}, by which decodings are "
            "chosen; allowed for a release: evaluate.split test"
        )
    if result.scores.get("weights_sha256") != file_sha256(model / WEIGHTS):
        raise HuescapeError(
            f"{places.EVALUATION / name}: scores of other weights than {model / WEIGHTS}; "
            f"`huescape evaluate {name}` scores these"
        )


def _check_photos(name: str, description: dict[str, Any]) -> None:
    """The photos that data/ holds must be those of the training: the card counts them."""
    shards = places.SHARDS / str(description["params"]["quantizer"]) / "index.json"
    content = read_verified(places.needed(shards), f"encode@{shards.parent.name}")
    if hashlib.sha256(content).hexdigest() != description["dataset_digest"]:
        raise HuescapeError(
            f"{places.MODELS / name / DESCRIPTION}: was trained on other photos than {shards} "
            f"has; `dvc repro` trains it on these"
        )


def _shared(rows: Sequence[CatalogRow]) -> Iterator[tuple[str, str]]:
    """(training photo, test photo) that show the same, sorted."""
    sides = [row for row in rows if row.split in ("train", "test")]
    contents = {row.sha256: row for row in sides if row.split == "test"}
    found = {(row.id, contents[row.sha256].id) for row in _train(sides) if row.sha256 in contents}
    hashes = np.array([int(row.phash, 16) for row in sides], dtype=np.uint64)
    for i, j in pairs_within(hashes, _CLOSE):
        one, other = sides[i], sides[j]
        if one.split != other.split:
            found.add((one.id, other.id) if one.split == "train" else (other.id, one.id))
    yield from sorted(found)


def _train(rows: Sequence[CatalogRow]) -> list[CatalogRow]:
    return [row for row in rows if row.split == "train"]


def learned_from(description: Mapping[str, Any], rows: Sequence[CatalogRow]) -> list[CatalogRow]:
    """The training photos that the system saw, or those that it started from."""
    params = PhotosParams.model_validate(description["params"].get("photos", {}))
    seen = {row.id for row in _train(rows) if params.holds(row.id)}
    for start in _starts(description):
        seen |= {row.id for row in learned_from(read_description(start), rows)}
    return [row for row in _train(rows) if row.id in seen]


def _starts(description: Mapping[str, Any]) -> list[Path]:
    """The folder of the system that the training started from, as far as it is there."""
    start = description["params"].get("initialization", {}).get("from")
    return [places.MODELS / start] if start and (places.MODELS / start).is_dir() else []


def _steps(name: str, description: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Of the training, and before it of those that it started from, as far as they are there."""
    for start in _starts(description):
        yield from _steps(start.name, read_description(start))
    yield name, int(description["steps"])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
