"""The only importer of mlflow: journal entries as calls of its client.

Only the client is used, never the fluent functions: they keep an active run and an address for the
whole process, and the entries of several runs and addresses pass through here.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import huescape
from huescape.base.runtime import project_dir
from huescape.tracking.context import allowed_key, allowed_keys
from huescape.tracking.notices import cause
from huescape.tracking.probe import example
from huescape.tracking.publisher import METRICS_PER_BATCH, Outage, Point, Rejection
from huescape.tracking.requirements import requirements
from huescape.tracking.sqlite_files import check_file, file_is_damaged

# Read by mlflow when it is imported or called; what the user has set stays.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}.items():
    os.environ.setdefault(_name, _value)

import mlflow.pyfunc  # noqa: E402
from mlflow.entities import (  # noqa: E402
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import Model, ModelSignature  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from mlflow.types import Schema, TensorSpec  # noqa: E402

for _name in ("mlflow", "alembic", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])
# It logs a traceback of every error that it also raises; a full disk is told once, in one line.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module=r"mlflow(\.|$)")

# Answers that another try will not change. Everything else may be better later.
PERMANENT = {
    "BAD_REQUEST",
    "ENDPOINT_NOT_FOUND",
    "INVALID_PARAMETER_VALUE",
    "NOT_IMPLEMENTED",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}
RUN_TAG = "huescape.run"
ITEMS_PER_BATCH = 100  # parameters or tags
DIGEST_CHARACTERS = 36


def connect(uri: str, experiment: str) -> MlflowStore:
    """Open the store at `uri`; a new SQLite file gets its tables here. Raises Outage."""
    with _outages():
        check_file(uri)
        client = MlflowClient(tracking_uri=uri)
        return MlflowStore(client, _experiment_id(client, experiment, _artifacts(uri)))


class MlflowStore:
    """`huescape.tracking.publisher.Store` on an MLflow client."""

    def __init__(self, client: MlflowClient, experiment_id: str) -> None:
        self._client = client
        self._experiment_id = experiment_id

    def find_or_create(self, header: Mapping[str, Any], run_id: str | None) -> str:
        """Id of the header's run; made, with its description, where the store has none."""
        # Whatever goes wrong before there is a run is not the fault of an entry: no rejections.
        with _outages():
            if run_id is not None and self._exists(run_id):
                return run_id
            found = self._client.search_runs(
                [self._experiment_id], f"tags.`{RUN_TAG}` = '{header['run']}'", max_results=1
            )
            run = found[0] if found else self._create(header)
            self._describe(run.info.run_id, header)
            return str(run.info.run_id)

    def _exists(self, run_id: str) -> bool:
        try:
            return bool(self._client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise

    def _create(self, header: Mapping[str, Any]) -> Any:
        return self._client.create_run(
            self._experiment_id,
            start_time=header["created"],
            run_name=header.get("title", header["name"]),
            tags={RUN_TAG: header["run"], **allowed_keys(header["tags"])},
        )

    def _describe(self, run_id: str, header: Mapping[str, Any]) -> None:
        self._log_params(run_id, allowed_keys(header["params"]))
        if header["dataset"] is not None:
            self._client.log_inputs(run_id, datasets=[_dataset_input(header["dataset"])])

    def params(self, run_id: str, values: Mapping[str, str]) -> None:
        """Add parameters; MLflow refuses to change one, so a changed one becomes a tag."""
        with _translated():
            known = self._client.get_run(run_id).data.params
            values = allowed_keys(values)
            self._log_params(run_id, {k: v for k, v in values.items() if k not in known})
            changed = {k: v for k, v in values.items() if known.get(k, v) != v}
            self._log_tags(run_id, changed)

    def tags(self, run_id: str, values: Mapping[str, str]) -> None:
        """Set tags."""
        with _translated():
            self._log_tags(run_id, allowed_keys(values))

    def metrics(self, run_id: str, points: Sequence[Point]) -> None:
        """Add points; the same point sent twice counts once."""
        metrics = [Metric(allowed_key(p.key), p.value, p.time, p.step) for p in points]
        with _translated():
            for start in range(0, len(metrics), METRICS_PER_BATCH):
                batch = metrics[start : start + METRICS_PER_BATCH]
                self._client.log_batch(run_id, metrics=batch, synchronous=True)

    def picture(self, run_id: str, path: Path, name: str, step: int, time: int) -> None:
        """Add a picture to the series `name`, with the slider over steps that MLflow shows."""
        with _translated(), _opened(path) as image:
            self._client.log_image(
                run_id, image, key=allowed_key(name), step=step, timestamp=time, synchronous=True
            )

    def artifact(self, run_id: str, path: Path, folder: str) -> None:
        """Upload a file or a folder."""
        with _translated():
            self._client.log_artifact(run_id, str(path), folder or None)

    def model(self, run_id: str, folder: Path, name: str, entry: Mapping[str, Any]) -> None:
        """Log a system as a model of the run, once."""
        with _translated():
            run = self._client.get_run(run_id)
            if run.outputs is not None and run.outputs.model_outputs:
                return
            model = self._client.create_logged_model(
                self._experiment_id,
                name=re.sub(r"[^\w-]", "_", name),
                source_run_id=run_id,
                params=run.data.params,
                model_type="colorization",
            )
            with tempfile.TemporaryDirectory() as temporary:
                path = Path(temporary) / "model"
                _save_model(path, folder, entry, model, run_id)
                self._client.log_model_artifacts(model.model_id, str(path))
            self._client.finalize_logged_model(model.model_id, "READY")
            self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])

    def begin(self, run_id: str) -> None:
        """Mark the run as running: it is new, or its training goes on."""
        with _translated():
            self._client.update_run(run_id, status="RUNNING")

    def end(self, run_id: str, status: str, time: int, *, only_running: bool) -> None:
        """Mark the run as ended at `time`; with `only_running`, not one that has ended before."""
        with _translated():
            if only_running and self._client.get_run(run_id).info.status != "RUNNING":
                return
            self._client.set_terminated(run_id, status, end_time=time)

    def _log_params(self, run_id: str, values: Mapping[str, str]) -> None:
        items = [Param(key, value) for key, value in sorted(values.items())]
        for start in range(0, len(items), ITEMS_PER_BATCH):
            batch = items[start : start + ITEMS_PER_BATCH]
            self._client.log_batch(run_id, params=batch, synchronous=True)

    def _log_tags(self, run_id: str, values: Mapping[str, str]) -> None:
        items = [RunTag(key, value) for key, value in sorted(values.items())]
        for start in range(0, len(items), ITEMS_PER_BATCH):
            batch = items[start : start + ITEMS_PER_BATCH]
            self._client.log_batch(run_id, tags=batch, synchronous=True)


def _artifacts(uri: str) -> str | None:
    """Where a new SQLite file keeps artifacts, if that is not the current folder: DVC removes it.

    None leaves it to MLflow.
    """
    project = project_dir()
    return None if project == Path() or not uri.startswith("sqlite") else str(project / "mlruns")


def _experiment_id(client: MlflowClient, name: str, artifacts: str | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, artifacts))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another process was faster
            raise
        return str(client.get_experiment_by_name(name).experiment_id)


def _dataset_input(dataset: Mapping[str, Any]) -> DatasetInput:
    counts = dict(dataset["counts"])
    profile = {"num_rows": sum(counts.values()), **counts, "digest": dataset["digest"]}
    return DatasetInput(
        dataset=Dataset(
            name=dataset["name"],
            digest=dataset["digest"][:DIGEST_CHARACTERS],
            source_type="local",
            source=json.dumps({"uri": dataset["source"]}),
            profile=json.dumps(profile, sort_keys=True),
        ),
        tags=[InputTag("mlflow.data.context", "training")],
    )


def _save_model(
    path: Path, folder: Path, entry: Mapping[str, Any], model: Any, run_id: str
) -> None:
    """Write an MLflow model: the system's folder as data, this package as its code."""
    mlflow.pyfunc.save_model(
        path=str(path),
        loader_module=entry["loader"],
        data_path=str(folder),
        code_paths=[str(Path(huescape.__file__).parent)],
        mlflow_model=Model(
            artifact_path=model.artifact_location,
            run_id=run_id,
            model_uuid=model.model_id,
            model_id=model.model_id,
        ),
        signature=_signature(entry["scores"]),
        input_example=example(),
        pip_requirements=requirements(),
    )
    for cache in sorted(path.rglob("__pycache__")):
        shutil.rmtree(cache)


def _signature(scores: Mapping[str, Any]) -> ModelSignature:
    """Any number of photos of any size in, scores of as many bins as the system has out.

    Without names: MLflow hands a named tensor to the model in a dictionary.
    """
    lightness = TensorSpec(np.dtype(np.float32), (-1, 1, -1, -1))
    shape = (-1, scores["channels"], -1, -1)
    return ModelSignature(
        inputs=Schema([lightness]),
        outputs=Schema([TensorSpec(np.dtype(scores["dtype"]), shape)]),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what mlflow raises into an outage (try later) or a rejection (never)."""
    try:
        yield
    except Rejection:
        raise
    except MlflowException as error:
        never = error.error_code in PERMANENT and not file_is_damaged(error)
        raise (Rejection if never else Outage)(cause(error)) from error
    except OSError as error:  # requests' errors are among them
        status = getattr(getattr(error, "response", None), "status_code", 0)
        never = 400 <= status < 500 and status not in (401, 403, 408, 429)
        raise (Rejection if never else Outage)(cause(error)) from error
    except Exception as error:
        raise Rejection(f"{type(error).__name__}: {cause(error)}") from error


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture of the journal; Rejection when it is damaged: it will never be whole again."""
    try:
        image = Image.open(path, formats=("PNG", "JPEG"))
        image.load()
    except Exception as error:
        raise Rejection(cause(error)) from error
    with image:
        yield image


@contextmanager
def _outages() -> Iterator[None]:
    """Turn everything that mlflow raises into an outage."""
    try:
        yield
    except Exception as error:
        raise Outage(cause(error)) from error
