"""Opening a recorder: which run it is, where it goes, and who delivers it."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.base.masking import MASK, mask
from huescape.base.runtime import project_dir
from huescape.tracking.context import flat_params, stage_record, surroundings
from huescape.tracking.journal import Journal, sent_steps, waiting
from huescape.tracking.ledger import Ledger, folder_digest, new_run
from huescape.tracking.membership import Membership, membership
from huescape.tracking.notices import cause, warn
from huescape.tracking.publisher import Courier, Outage, Publisher, Store
from huescape.tracking.recorder import Recorder

Header = dict[str, Any]  # what a journal says of its run

DEFAULT_URI = "sqlite:///mlflow.db"  # what a bare `mlflow ui` shows, artifacts in mlruns/
CATALOG = "data/catalog/catalog.csv"
_OFF, _ON = ("off", "0", "false", "no"), ("on", "1", "true", "yes", "")


def start_training(
    system: str,
    params: Mapping[str, Any],
    dataset: Mapping[str, Any],
    tags: Mapping[str, str] | None = None,
    *,
    resume_key: str | None = None,
) -> Recorder:
    """Start the run of a training, or go on with the one that was interrupted at `resume_key`.

    `params` may be nested; `dataset` has `name`, `digest`, `counts` (photos per split) and
    optionally `source` (a path). `resume_key` is the digest that names the training's checkpoints.
    A training that finished and was killed before its engine recorded it goes on in its run, too.
    Within a sweep the run is the child of the sweep's run that belongs to the point.
    Never raises for what tracking cannot do: the recorder is silent then, after one warning.
    """
    if not _wanted():
        return Recorder()
    ledger, destination = Ledger(), mask(tracking_uri())
    member, record = _point(), stage_record(f"train@{system}")
    try:
        if member is not None:
            found: str | None = member.run(system)
        else:
            found = _begun(ledger, system, resume_key, destination, record)
        run = found or new_run()
        header = _header(run, system, destination, params, dataset, tags)
        header["attached"] = False
        if member is not None:
            header = member.joined(header)
        steps = sent_steps(ledger.pending, run, ledger.last_steps(run)) if found else {}
        if resume_key:
            ledger.remember_unfinished(system, resume_key, run, destination)
        return _open(ledger, header, resume_key=resume_key, record=record, sent_steps=steps)
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)


def start_sweep(name: str, run: str, params: Mapping[str, Any]) -> tuple[Recorder, Header | None]:
    """Start the run of a whole sweep, or go on with it: `run` is its key, the same every time.

    Returns its recorder and the header that makes its children members; None if nothing is
    tracked. The store is opened here: a new SQLite file keeps its artifacts beside itself.
    """
    if not _wanted():
        return Recorder(), None
    ledger, destination = Ledger(), mask(absolute_uri(Path()))
    header = _header(run, name, destination, params, None, {"sweep": name})
    del header["tags"]["system"]
    header["attached"] = False
    with suppress(Outage), ledger.locked("creation"):  # the recorder tells, and sends later
        connect(destination)
    try:
        return _open(ledger, header), header
    except (OSError, HuescapeError) as error:
        return _not_tracked(error), None


def attach_member(system: str, model_folder: Path, member: Membership) -> Recorder:
    """Go on with the run of a system at a point of a sweep.

    A point whose training was a result at hand has no run yet: it gets one, with `origin=reused`.
    """
    if not _wanted():
        return Recorder()
    try:
        description = _description(model_folder)
        params, dataset = description.get("params", {}), _dataset(description)
        destination = str(member.parent["destination"])
        run = member.run(system)
        header = _header(run, system, destination, params, dataset, {"origin": "reused"})
        return _open(Ledger(), {**member.joined(header), "attached": True})
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)


def attach(
    system: str,
    model_folder: Path,
    *,
    params: Mapping[str, Any] | None = None,
    dataset: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Recorder:
    """Go on with the run that made the model in `model_folder`.

    A model that no run here made (it was pulled from a remote) gets a run of its own, with the tag
    `origin=pulled` and the parameters and dataset given here, or else those in its `system.json`.
    Within a sweep it is silent: the sweep itself adds the scores of every point (`attach_member`),
    also of those that no stage had to make.
    Never raises for what tracking cannot do: the recorder is silent then, after one warning.
    """
    if not _wanted() or _point() is not None:
        return Recorder()
    ledger, destination = Ledger(), mask(tracking_uri())
    try:
        digest = folder_digest(model_folder)
        description = _description(model_folder)
        known = ledger.run_of_model(system, digest, destination)
        run = known or new_run()
        if known is None:
            ledger.remember_model(system, digest, run, destination)
        params = params if params is not None else description.get("params", {})
        dataset = dataset if dataset is not None else _dataset(description)
        # Parameters, dataset and origin count only where the destination does not know the run.
        header = _header(run, system, destination, params, dataset, tags)
        header["tags"]["origin"] = "pulled"
        recorder = _open(ledger, {**header, "attached": True})
    except (OSError, HuescapeError) as error:
        return _not_tracked(error)
    # dvc.lock has grown since the training began.
    grown = {key: value for key, value in header["tags"].items() if key == "dvc.lock"}
    recorder.tags({**grown, **(tags or {})})
    return recorder


def replay() -> int:
    """Deliver what earlier processes left behind; the number of journals that are gone now.

    Prints one warning for each destination that cannot be reached. Raises HuescapeError when
    something waits and MLflow is not installed.
    """
    ledger = Ledger()
    if not waiting(ledger.pending):
        return 0
    if not installed():
        raise HuescapeError(f"{ledger.pending} has runs to send, but mlflow is not installed")
    return Courier(ledger, connect).carry_backlog()


def undelivered() -> Path | None:
    """The folder of what still waits to be sent, or None if nothing does."""
    pending = Ledger().pending
    return pending if waiting(pending) else None


def tracking_uri() -> str:
    """Where runs go: MLFLOW_TRACKING_URI, or an SQLite file in the project's folder."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    project = project_dir()
    return uri if project == Path() else _found_from(project, uri)


def absolute_uri(folder: Path) -> str:
    """`tracking_uri` for a process that works elsewhere: an SQLite file is found from `folder`."""
    return _found_from(folder, tracking_uri())


def _found_from(folder: Path, uri: str) -> str:
    kind, slashes, path = uri.partition(":///")
    if not slashes or not kind.startswith("sqlite"):
        return uri
    return f"{kind}:///{folder.resolve() / path}"


def connect(destination: str) -> Store:
    """The store at a destination as a journal remembers it, masked. Raises Outage."""
    from huescape.tracking import mlflow_store  # slow, and on the publisher's thread

    uri = tracking_uri()
    if mask(uri) != mask(destination):
        if MASK in destination:
            raise Outage("its secrets are not kept: set MLFLOW_TRACKING_URI")
        uri = destination
    return mlflow_store.connect(uri, os.environ.get("MLFLOW_EXPERIMENT_NAME") or "huescape")


def installed() -> bool:
    """Whether mlflow is there, without importing it."""
    return importlib.util.find_spec("mlflow") is not None


def _wanted() -> bool:
    chosen = os.environ.get("HUESCAPE_TRACKING", "on").lower()
    if chosen in _OFF:
        return False
    if chosen not in _ON:
        warn(f"environment variable HUESCAPE_TRACKING is {chosen!r}, taken as on; allowed: on, off")
    if not installed():
        warn("mlflow is not installed: this run is not tracked")
        return False
    return True


def _point() -> Membership | None:
    """The point of a sweep that this process works for."""
    try:
        return membership()
    except HuescapeError as error:
        warn(f"this run is no part of its sweep: {cause(error)}")
        return None


def _begun(
    ledger: Ledger, system: str, resume_key: str | None, destination: str, record: str | None
) -> str | None:
    """Key of the run that has begun this very training, if there is one."""
    if resume_key is None:
        return None
    found = ledger.unfinished_run(system, resume_key, destination)
    if found is None and record is not None:
        found = ledger.unrecorded_run(system, resume_key, destination, record)
    return found


def _open(ledger: Ledger, header: Mapping[str, Any], **options: Any) -> Recorder:
    ledger.pending.mkdir(parents=True, exist_ok=True)
    journal = Journal.create(ledger.pending, header)
    if not header["attached"]:
        journal.append("begin")
    publisher = Publisher(journal, Courier(ledger, connect))
    publisher.start()
    return Recorder(journal, publisher, ledger, **options)


def _header(
    run: str,
    system: str,
    destination: str,
    params: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    tags: Mapping[str, str] | None,
) -> dict[str, Any]:
    described = {"system": system, **surroundings(), **(tags or {})}
    if isinstance(params.get("quantizer"), str):
        described.setdefault("quantizer", params["quantizer"])
    if dataset is not None:
        dataset = {"source": CATALOG, "counts": {}, **dataset}
        described["dataset.digest"] = dataset["digest"]  # MLflow cuts its own at 36 characters
    return {
        "run": run,
        "name": system,
        "title": _title(system, params),
        "destination": destination,
        "created": int(time.time() * 1000),
        "params": flat_params(params),
        "tags": described,
        "dataset": dataset,
    }


def _title(system: str, params: Mapping[str, Any]) -> str:
    """The name of the run: one that could have pretrained weights and has none says so."""
    network = params.get("network")
    random = isinstance(network, Mapping) and network.get("pretrained") == "none"
    return f"{system} (network not pretrained)" if random else system


def _description(model_folder: Path) -> dict[str, Any]:
    path = model_folder / "system.json"
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise HuescapeError(f"{path} is not JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def _dataset(description: Mapping[str, Any]) -> dict[str, Any] | None:
    digest = description.get("dataset_digest")
    return {"name": "photos", "digest": digest} if isinstance(digest, str) else None


def _not_tracked(error: Exception) -> Recorder:
    warn(f"this run is not tracked: {cause(error)}")
    return Recorder()
