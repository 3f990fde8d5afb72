"""A record as a run of a store: whatever is there already is left as it is.

So a publication that was cut off, or made twice, ends as one that was not. The tag of what is
published (`huescape.model`, `huescape.scores`) comes last: where it stands, all is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from huescape.params.decodings import Decoding
from huescape.tracking.context import allowed_key, flat_params
from huescape.tracking.mlflow_api import Run
from huescape.tracking.model import log_model, model_of
from huescape.tracking.notes import MODEL, model_section
from huescape.tracking.records import Record, content_of, folder_digest, history, key_of
from huescape.tracking.shown import show_results
from huescape.tracking.store import RUN_TAG, Point, Store, outages

MODEL_TAG, SCORES_TAG = "huescape.model", "huescape.scores"  # digests of what is published
SETTINGS_TAG = "huescape.settings"  # under which the scores of a run were made
TREE_TAG = "huescape.tree"


def publish(store: Store, record: Record) -> str:
    """Bring all that a record tells into the store; the id of its run. Raises Outage."""
    with outages():
        run = _evaluated(store, record) if record.get("of") else _made(store, record)
        run_id = str(run.info.run_id)
        if record.get("model") and run.data.tags.get(MODEL_TAG) != record["digest"]:
            _add_training(store, run, record, Path(record["model"]))
        if record["artifacts"] or record.get("results"):
            _add_results(store, store.client.get_run(run_id), record)
        if store.client.get_run(run_id).info.status == "RUNNING":
            store.client.set_terminated(run_id, record["status"], record["ended"])
        return run_id


def is_known(store: Store, record: Record) -> bool:
    """Whether the store has the run of a training, or of an evaluation without one."""
    if not record.get("model"):
        return bool(store.find(SCORES_TAG, content_of(record)))
    return trained(store, record) is not None


def trained(store: Store, record: Record) -> Run | None:
    """The run that made the model of this digest: that of this working copy, if there are more."""
    found = store.find(MODEL_TAG, record["digest"])
    own = [run for run in found if run.data.tags.get(TREE_TAG) == record["tags"].get(TREE_TAG)]
    return next(iter(own or found), None)


def _made(store: Store, record: Record) -> Run:
    """The run of a training: by its key, or by its model, if no live run has told of it."""
    digest = record.get("digest")
    pulled = digest and record["tags"].get("origin") == "pulled"
    if pulled and (found := trained(store, record)):
        return found
    run = store.open(record)
    if digest and run.data.tags.get(MODEL_TAG, digest) != digest:
        # Trained again, with another result: the first one keeps its run.
        store.client.set_terminated(run.info.run_id, "FINISHED")
        record["holes"] = None
        run = store.open({**record, "key": key_of(record["key"], digest)})
    return run


def _evaluated(store: Store, record: Record) -> Run:
    """The run that the scores belong to: the training's, or one below it for other settings."""
    of, name = record["of"], record["name"]
    training = trained(store, of) or store.client.get_run(publish(store, of))
    settings = flat_params({"evaluate": record["settings"]})
    own = key_of(*(f"{key}={value}" for key, value in sorted(settings.items())))
    known = training.data.params
    if training.data.tags.get(SETTINGS_TAG, own) == own:
        store.add_params(training, settings)
        store.client.set_tag(training.info.run_id, SETTINGS_TAG, own)
        return training
    changed = {k: v for k, v in settings.items() if known.get(k) != v}
    other = ", ".join(f"{k.partition('.')[2]}={v}" for k, v in changed.items())
    child = {
        "key": key_of(training.info.run_id, own),
        "title": f"{name}: {other}",
        "note": f"Evaluation of **{name}** with {other}; the run above has the training, and the "
        "scores under the settings that it was first evaluated with.",
        "parent": {**of, "key": training.data.tags[RUN_TAG]},
        "params": {**record["params"], **settings},
    }
    return store.open({**record, **child})


def _add_training(store: Store, run: Run, record: Record, folder: Path) -> None:
    if not folder.is_dir() or folder_digest(folder) != record["digest"]:
        return  # what a pulled model's evaluation names may be another one by now
    run_id, known = run.info.run_id, store.steps(run)
    rows = history(folder)
    holes = record.get("holes") or [(0, math.inf)]
    lost = [row for row in rows if any(after < row["step"] < before for after, before in holes)]
    points = (point for row in lost for point in _points(row, record, rows[-1]["step"]))
    store.add_points(run_id, [p for p in points if p.step not in known.get(p.key, ())])
    model = model_of(run) or _logged(store, run, folder, record)
    store.add_section(run_id, MODEL, model_section(model))
    if rows:
        point = Point("final_loss", rows[-1]["loss"], record["ended"], int(rows[-1]["step"]))
        store.add_points(run_id, [point], **_about(store.client.get_run(run_id), model))
    grown = {key: value for key, value in record["tags"].items() if key == "dvc.lock"}
    for key, value in {**grown, MODEL_TAG: record["digest"]}.items():
        store.client.set_tag(run_id, key, value)


def _logged(store: Store, run: Run, folder: Path, record: Record) -> str:
    decoding = Decoding.model_validate(record.get("decoding") or {})  # an older record has none
    return str(log_model(store, run, folder, record["name"], decoding).model_id)


def _add_results(store: Store, run: Run, record: Record) -> None:
    run_id, content = run.info.run_id, content_of(record)
    if run.data.tags.get(SCORES_TAG) == content:
        return
    known = run.data.metrics
    points = [
        Point(key, value, record["ended"], 0)
        for key, value in (record.get("results") or {}).items()
        if known.get(allowed_key(key)) != value
    ]
    store.add_points(run_id, points, **_about(run, model_of(run)))
    for path, folder in record["artifacts"]:
        store.client.log_artifact(run_id, path, folder or None)
    show_results(store, run, record)
    if not record.get("model"):
        store.client.set_tag(run_id, SCORES_TAG, content)


def _about(run: Run, model: str | None) -> dict[str, str]:
    """The model and the photos that a metric of the run is about, as far as they are known."""
    if model is None:
        return {}
    inputs = run.inputs.dataset_inputs if run.inputs else []
    if not inputs:
        return {"model_id": model}
    photos = inputs[0].dataset
    return {"model_id": model, "dataset_name": photos.name, "dataset_digest": photos.digest}


def _points(row: Mapping[str, float], record: Record, last: float) -> Iterator[Point]:
    """The numbers of a step of the history, at the time at which it may have been."""
    time = record["created"] + int((record["ended"] - record["created"]) * row["step"] / last)
    return (Point(k, value, time, int(row["step"])) for k, value in row.items() if k != "step")
