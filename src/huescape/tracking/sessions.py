"""Opening a recorder: which run it is, and where it belongs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.base.masking import mask
from huescape.tracking.membership import Membership, membership
from huescape.tracking.notices import Outage, Unusable, warn
from huescape.tracking.outbox import deliver
from huescape.tracking.recorder import Recorder
from huescape.tracking.records import (
    EVALUATED,
    Record,
    describe,
    folder_digest,
    key_of,
    now,
    of_model,
    read_object,
)
from huescape.tracking.reports import reports_of
from huescape.tracking.score_table import score_table
from huescape.tracking.settings import installed, tracking_uri, tree, wanted


def start_training(
    system: str,
    params: Mapping[str, Any],
    dataset: Mapping[str, Any],
    tags: Mapping[str, str] | None = None,
    *,
    resume_key: str | None = None,
) -> Recorder:
    """Start the run of a training, or go on with that of the same training.

    `params` may be nested; `dataset` has `name`, `digest`, `counts` (photos per split) and
    optionally `source` (a path). `resume_key` is the digest of all that decides the weights: a
    training that was interrupted, or is made again in this working copy, has the same run.
    Within a sweep the run is the child of the sweep's run that belongs to the point.
    Never raises for what tracking cannot do: the recorder is silent then, after one warning.
    """
    if not wanted():
        return Recorder()
    member = _point()
    try:
        own = tree()
        key = key_of(own, system, resume_key) if resume_key else uuid.uuid4().hex
        described = {"system": system, "huescape.tree": own, **(tags or {})}
        record = describe(member.run(system) if member else key, system, params, dataset, described)
        return Recorder(member.joined(record) if member else record, live=True)
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)


def start_sweep(name: str, run: str, params: Mapping[str, Any]) -> tuple[Recorder, Record | None]:
    """Start the run of a whole sweep, or go on with it: `run` is its key, the same every time.

    Returns its recorder and the record that makes its children members; None if nothing is
    tracked.
    """
    if not wanted():
        return Recorder(), None
    note = f"The sweep **{name}**: a run below this one for each point, its table in *Artifacts*."
    record = describe(run, name, params, None, {"sweep": name}, note=note)
    parent = json.loads(json.dumps(record))  # the recorder goes on with its own
    return Recorder(record, live=True), parent


def attach(system: str, model: Path, scores: Path, folder: Path) -> Recorder:
    """Add an evaluation to the run that made `model`, or below it if made with other settings.

    `scores` and `folder` are what the evaluation wrote; a model that no run has made (it was
    pulled from a remote) gets a run of its own, with the tag `origin=pulled`. Within a sweep it is
    silent: the sweep itself adds the scores of every point (`attach_member`), also of those that
    no stage had to make. Never raises for what tracking cannot do.
    """
    if not wanted() or _point() is not None:
        return Recorder()
    try:
        made = _evaluation(system, model, scores, folder)
        return Recorder(made | {"table": score_table(folder)})
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)


def attach_shipped(system: str, model: Path, scores: Path, folder: Path) -> Recorder:
    """Record the evaluation of a model that came with the package: a run without a training.

    The same scores of the same model are the same run, made once. Otherwise as `attach`.
    """
    if not wanted() or _point() is not None:
        return Recorder()
    try:
        made = _shipped_evaluation(system, model, scores, folder)
        return Recorder(made | {"table": score_table(folder)})
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)


def attach_reports(model: Path, evaluations: Path, *, is_shipped: bool) -> Recorder:
    """Add what a stage that runs on request said of a model to the run that has its scores.

    Where the model is not evaluated yet, its evaluation will bring that. Otherwise as `attach`.
    """
    if not wanted() or _point() is not None:
        return Recorder()
    try:
        if not _is_of(evaluations / model.name, model):
            return Recorder()
        return Recorder(evaluation_of(model, evaluations, is_shipped=is_shipped))
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)


def attach_member(system: str, model: Path, member: Membership) -> Recorder:
    """Go on with the run of a system at a point of a sweep.

    A point whose training was a result at hand has no run yet: it gets one, with `origin=reused`.
    """
    if not wanted():
        return Recorder()
    try:
        return Recorder(member.joined(of_model(system, model, member.run(system))))
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)


def publish_folders(models: Path, evaluations: Path, shipped: Sequence[Path] = ()) -> int:
    """Publish what waits, and every finished folder that the store has no run of; how many.

    `models` holds a folder a system, `evaluations` its scores as `<system>.json` and `<system>/`;
    `shipped` are the folders of models that come with the package: their scores alone are a run.
    Prints a line for each store that cannot be used, and for each folder that is damaged. Raises
    HuescapeError when mlflow is not installed or the store of this project cannot be used, and for
    damaged folders when all others are published.
    """
    if not installed():
        raise HuescapeError("mlflow is not installed")
    from huescape.tracking.publish import is_known, publish
    from huescape.tracking.store import connect, outages

    delivered, store = deliver(), None
    damaged: list[str] = []
    try:
        for record in _finished(models, evaluations, shipped, damaged):
            with outages():
                store = store or connect(None)
                if record.get("of"):
                    publish(store, record)
                elif not is_known(store, record):
                    publish(store, record)
                    delivered += 1
    except (Outage, Unusable) as error:
        raise HuescapeError(f"MLflow at {mask(tracking_uri())}: {error}") from error
    if damaged:
        raise HuescapeError(f"published: {delivered}; damaged: {', '.join(damaged)}")
    return delivered


def evaluation_of(model: Path, evaluations: Path, *, is_shipped: bool) -> Record:
    """The record of an evaluated model's scores.

    Raises HuescapeError for scores that are not of this very model, or cannot be read.
    """
    scores, folder = evaluations / f"{model.name}.json", evaluations / model.name
    if not _is_of(folder, model):
        raise HuescapeError(
            f"{folder}: no scores of {model}; `huescape evaluate {model.name}` makes them"
        )
    make = _shipped_evaluation if is_shipped else _evaluation
    return make(model.name, model, scores, folder)


def _finished(
    models: Path, evaluations: Path, shipped: Sequence[Path], damaged: list[str]
) -> Iterator[Record]:
    """What the finished folders tell; the names of those that cannot be read go to `damaged`."""
    for model in sorted(path.parent for path in models.glob("*/system.json")):
        scores, folder = evaluations / f"{model.name}.json", evaluations / model.name
        with _naming(model, damaged):
            yield of_model(model.name, model)
            if _is_of(folder, model):
                yield _evaluation(model.name, model, scores, folder)
    for model in shipped:
        scores, folder = evaluations / f"{model.name}.json", evaluations / model.name
        with _naming(model, damaged):
            if _is_of(folder, model):
                yield _shipped_evaluation(model.name, model, scores, folder)


@contextmanager
def _naming(model: Path, damaged: list[str]) -> Iterator[None]:
    try:
        yield
    except (OSError, HuescapeError) as error:
        warn(f"not published: {error}")
        damaged.append(model.name)


def _is_of(folder: Path, model: Path) -> bool:
    """Whether the evaluation in a folder is that of this very model."""
    if not (folder / "scores.json").exists():
        return False
    files = folder / "scores.json", model / "system.json"
    made, has = (read_object(file, "weights_sha256")["weights_sha256"] for file in files)
    return bool(made == has)


def _evaluation(system: str, model: Path, scores: Path, folder: Path) -> Record:
    of = of_model(system, model)
    made = {"model": None, "key": "", "status": "FINISHED", "created": now(), "ended": now()}
    return {**of, **made, "of": of, **_scored(scores, folder)}


def _shipped_evaluation(system: str, model: Path, scores: Path, folder: Path) -> Record:
    description = read_object(model / "system.json", "params", "release")
    found = _scored(scores, folder)
    params = {**description["params"], "evaluate": found["settings"]}
    key = key_of("shipped", folder_digest(model), folder_digest(folder))
    note = (
        f"Evaluation of the model **{system}**, which came with huescape and was not trained here; "
        f"all its scores are in `evaluation/{system}/scores.csv` in *Artifacts*."
    )
    tags = {"system": system, "origin": "shipped"}
    record = describe(key, system, params, None, tags, note=note)
    return record | {"status": "FINISHED", "ended": record["created"], "model": None, **found}


def _scored(scores: Path, folder: Path) -> dict[str, Any]:
    """What an evaluation adds to its run."""
    headline, all_scores = read_object(scores), read_object(folder / "scores.json", "settings")
    results = {k: float(v) for k, v in headline.items() if isinstance(v, int | float)}
    reported, reports = reports_of(scores.parents[1], str(all_scores.get("weights_sha256")))
    own = [[str(path.resolve()), EVALUATED] for path in (scores, folder)]
    return {
        "settings": all_scores["settings"],
        "results": results | reported,
        "artifacts": own + reports,
    }


def _point() -> Membership | None:
    """The point of a sweep that this process works for."""
    try:
        return membership()
    except HuescapeError as error:
        warn(f"this run is no part of its sweep: {error}")
        return None


def _not_tracked(error: Exception) -> Recorder:
    warn(f"this run is not tracked: {error}")
    return Recorder()
