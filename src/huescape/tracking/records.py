"""What is to be told of a run, as plain JSON: who it is, what it made, and where that lies.

A record has `key` (the run's own name for itself, a tag in MLflow), `name`, `title`, `note`,
`destination` (masked; None: whatever is set), `created` and `ended` (milliseconds), `status`,
`params`, `tags`, `dataset` and `parent` (a record, or None). What it made is in `model` (a folder),
`digest` (of that folder), `decoding` (its own), `holes` (pairs of steps between which no live point
was sent; None: all), `results`, `settings`, `of` (the record of the training that an evaluation
belongs to), `artifacts` (paths and folders), and `table` (all scores with their intervals; else it
is made of the artifacts).
"""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huescape.base.digests import file_sha256
from huescape.base.errors import HuescapeError
from huescape.base.masking import mask, mask_values
from huescape.params.decodings import ANNEALED
from huescape.tracking.context import flat_params, surroundings
from huescape.tracking.notes import training_note
from huescape.tracking.notices import cause
from huescape.tracking.settings import tracking_uri

Record = dict[str, Any]

CATALOG = "data/catalog/catalog.parquet"
EVALUATED = "evaluation"  # where the artifacts of an evaluation lie


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return time.time_ns() // 1_000_000


def key_of(*parts: str) -> str:
    """A key that is the same for the same parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def describe(
    key: str,
    name: str,
    params: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    tags: Mapping[str, str],
    *,
    note: str = "",
) -> Record:
    """The record of a run that has made nothing yet; nothing in it is secret."""
    described = {**surroundings(), **tags}
    if isinstance(params.get("quantizer"), str):
        described.setdefault("quantizer", params["quantizer"])
    if dataset is not None:
        dataset = {"source": CATALOG, "counts": {}, **dataset}
        described["dataset.digest"] = dataset["digest"]  # MLflow cuts its own at 36 characters
    network = params.get("network")
    network = network if isinstance(network, Mapping) else {}
    random = " (network not pretrained)" if network.get("pretrained") == "none" else ""
    record: Record = mask_values(
        {
            "key": key,
            "name": name,
            "title": name + random,
            "note": note or training_note(name, params, dataset),
            "destination": mask(tracking_uri()),
            "created": now(),
            "params": flat_params(params),
            "tags": described,
            "dataset": dataset,
            "parent": None,
            "artifacts": [],
        }
    )
    return record


def of_model(system: str, folder: Path, key: str | None = None) -> Record:
    """The record of a training from the folder that it left; `origin` says who brought it.

    Raises HuescapeError that names the file for a description or curves that cannot be read,
    OSError for another file.
    """
    description = read_object(folder / "system.json", "params", "quantizer")
    history(folder)
    digest = description.get("dataset_digest")
    dataset = {"name": "photos", "digest": digest} if isinstance(digest, str) else None
    made = made_by(folder)
    key, origin = (key, "reused") if key else (key_of("model", made["digest"]), "pulled")
    record = describe(
        key, system, description["params"], dataset, {"system": system, "origin": origin}
    )
    return record | {"status": "FINISHED", "ended": record["created"], **made}


def made_by(training: Path) -> dict[str, Any]:
    """What the folder of a trained system adds to the record of its run. Raises OSError."""
    from huescape.systems.chosen import usual_decoding  # loads torch

    try:
        decoding = usual_decoding(training)
    except HuescapeError:  # what is wrong in params.yaml is said by whatever needs it
        decoding = ANNEALED
    return {
        "model": str(training.resolve()),
        "digest": folder_digest(training),
        "decoding": decoding.model_dump(),
    }


def read_object(path: Path, *keys: str) -> dict[str, Any]:
    """The JSON object in a file, which has these keys. Raises HuescapeError that names the file."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise HuescapeError(f"{path} cannot be read: {cause(error)}") from error
    missing = [key for key in keys if not isinstance(found, dict) or key not in found]
    if missing or not isinstance(found, dict):
        raise HuescapeError(f"{path} is not an object with {', '.join(keys) or 'keys'}")
    return found


def history(folder: Path) -> list[dict[str, float]]:
    """The steps of a training, as its history.csv has them.

    Raises HuescapeError for one that is not there or has no step, no loss or no number in a row.
    """
    path = folder / "history.csv"
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(lines)]
    except (OSError, ValueError, TypeError) as error:
        raise HuescapeError(f"{path} cannot be read: {cause(error)}") from error
    if not all({"step", "loss"} <= row.keys() for row in rows):
        raise HuescapeError(f"{path} has a row without step or loss")
    return rows


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def content_of(record: Record) -> str:
    """Digest of what a record adds to its run besides a model."""
    digest = hashlib.sha256(json.dumps(record.get("results"), sort_keys=True).encode())
    for path, _ in record["artifacts"]:
        named = Path(path)
        content = folder_digest(named) if named.is_dir() else file_sha256(named)
        digest.update(f"{named.name}\0{content}\n".encode())
    return digest.hexdigest()
