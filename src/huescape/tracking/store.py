"""A store at an address, and the runs in it.

Only the client is used, never the fluent functions: they keep an active run and an address for the
whole process, and several runs and addresses pass through here. Every call waits for its answer,
on the recorder's thread: MLflow's own queue keeps a process from ending for as long as a server
does not answer (two minutes for sixty records, measured with 3.17). What mlflow raises is turned
into an Outage by whoever calls, with `outages`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from huescape.base.masking import MASK, mask
from huescape.tracking.context import allowed_key, allowed_keys
from huescape.tracking.mlflow_api import (
    VERSION,
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    Metric,
    MlflowClient,
    MlflowException,
    Param,
    Run,
    SystemMetricsMonitor,
)
from huescape.tracking.notes import with_section
from huescape.tracking.notices import Outage, Unusable, cause
from huescape.tracking.records import Record
from huescape.tracking.settings import alone, experiment, found_from, state, tracking_uri
from huescape.tracking.sqlite_files import ARTIFACTS, check_file, file_of, relocate

RUN_TAG = "huescape.run"
NOTE_TAG = "mlflow.note.content"  # what the run's page says in words
FOLDER_TAG = "huescape.folder"  # of an experiment: where its SQLite file was when it was made
#: What the UI shows an experiment as; without it, it may be the empty page for agents.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
_PARAMS_PER_BATCH, _POINTS_PER_BATCH = 100, 1000
_NEVER = ("INVALID_PARAMETER_VALUE", "ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED")


class Point(NamedTuple):
    """One point of a metric's history; `time` in milliseconds since 1970."""

    key: str
    value: float
    time: int
    step: int


def connect(destination: str | None) -> Store:
    """Open the store at an address as a record has it, masked; None: the one that is set.

    A new SQLite file gets its tables here. Raises Unusable for what no later try will change, and
    Outage for everything else.
    """
    uri = tracking_uri()
    if destination is not None and mask(uri) != mask(destination):
        if MASK in destination:
            raise Outage("its secrets are not kept: set MLFLOW_TRACKING_URI")
        uri = destination
    uri = found_from(Path(), uri)  # MLflow keeps what it opened by its name
    with outages():
        file = file_of(uri)
        folder = file.parent / ARTIFACTS if file else state()
        if file:
            check_file(file)
        with alone(folder):  # two processes must not make the tables of one new file
            client = _client(uri)
            return Store(client, uri, _experiment_id(client, file), folder)


def connect_to_read() -> Store:
    """Open the store that is set, and make nothing where there is none. Raises as `connect` does.

    Without the experiment that is set, the store's `experiment_id` is empty.
    """
    uri = found_from(Path(), tracking_uri())
    with outages():
        file = file_of(uri)
        if file and not file.exists():
            raise Unusable(f"{file} is not there; set MLFLOW_TRACKING_URI, or go to the project")
        if file:
            check_file(file)
        client = _client(uri)
        found = client.get_experiment_by_name(experiment())
        if found and file:
            _take_over(client, found, file)
        folder = file.parent / ARTIFACTS if file else state()
        return Store(client, uri, str(found.experiment_id) if found else "", folder)


def _client(uri: str) -> MlflowClient:
    set_it = "set MLFLOW_TRACKING_URI to http://HOST:PORT, or unset it for mlflow.db in the project"
    try:
        client = MlflowClient(tracking_uri=uri)
        client.get_experiment_by_name(experiment())
    except ModuleNotFoundError as error:
        needed = f"{mask(uri)} needs the package {error.name!r}"
        raise Unusable(f"{needed}: install it, or {set_it}") from error
    except MlflowException as error:
        if error.error_code not in _NEVER:
            raise
        raise Unusable(f"{mask(uri)} is no store of MLflow {VERSION}: {set_it}") from error
    return client


def _experiment_id(client: MlflowClient, file: Path | None) -> str:
    name = experiment()
    found = client.get_experiment_by_name(name) or _made_experiment(client, name, file)
    if found.lifecycle_stage != "active":
        raise Unusable(
            f"the experiment {name!r} was deleted: `mlflow experiments restore --experiment-id "
            f"{found.experiment_id}` brings it back, MLFLOW_EXPERIMENT_NAME names another"
        )
    if file:
        _take_over(client, found, file)
    return str(found.experiment_id)


def _made_experiment(client: MlflowClient, name: str, file: Path | None) -> Experiment:
    tags = {**_KIND, **({FOLDER_TAG: str(file.parent)} if file else {})}
    artifacts = str(file.parent / ARTIFACTS) if file else None
    with made_meanwhile():
        client.create_experiment(name, artifacts, tags=tags)
    return client.get_experiment_by_name(name)  # type: ignore[return-value]


def _take_over(client: MlflowClient, found: Experiment, file: Path) -> None:
    """Let the store of a copied or moved project know its own artifacts."""
    made_in = found.tags.get(FOLDER_TAG)
    if made_in and made_in != str(file.parent):
        relocate(file, made_in)
        client.set_experiment_tag(found.experiment_id, FOLDER_TAG, str(file.parent))


class Store:
    """An MLflow store and the experiment in it; its methods raise whatever mlflow does."""

    def __init__(self, client: MlflowClient, uri: str, experiment_id: str, folder: Path) -> None:
        self.client, self.experiment_id, self.uri = client, experiment_id, uri
        self.folder = folder  # of the locks that keep other processes out

    def page(self, run_id: str) -> str:
        """The address of a run's page, and what has to run for it."""
        path = f"#/experiments/{self.experiment_id}/runs/{run_id}?workflowType=machine_learning"
        file = file_of(self.uri)
        if file is None:
            return f"{mask(self.uri).replace(f'{MASK}@', '').rstrip('/')}/{path}"
        here = file == Path("mlflow.db").resolve()
        option = "" if here else f" --backend-store-uri {mask(self.uri)}"
        return f"http://127.0.0.1:5000/{path} (while `mlflow ui{option}` runs)"

    def find(self, tag: str, value: str) -> list[Run]:
        """The runs that have this tag, the youngest first."""
        return list(self.client.search_runs([self.experiment_id], f"tags.`{tag}` = '{value}'"))

    def open(self, record: Record) -> Run:
        """The run of a record: found by its key, or made, below its parent if it has one."""
        parent = self.open(record["parent"]) if record["parent"] else None
        with alone(self.folder):  # two processes must not make the same run twice
            found = self.find(RUN_TAG, record["key"])
            run = found[0] if found else self._create(record, parent)
        self.add_params(run, record["params"])
        if record["dataset"] is not None and not (run.inputs and run.inputs.dataset_inputs):
            self._add_dataset(run, _dataset(record["dataset"]))
        return run

    def _add_dataset(self, run: Run, dataset: DatasetInput) -> None:
        """Add a dataset to a run, which another run may have brought to the server meanwhile.

        MLflow looks for the dataset and then adds it: of runs on the same photos that start
        together, some are refused what another has added in between (seen with 3.17).
        """
        try:
            self.client.log_inputs(run.info.run_id, datasets=[dataset])
        except MlflowException as error:
            if error.error_code != "BAD_REQUEST":
                raise
            self.client.log_inputs(run.info.run_id, datasets=[dataset])

    def _create(self, record: Record, parent: Run | None) -> Run:
        tags = {
            RUN_TAG: record["key"],
            NOTE_TAG: record["note"],
            **({"mlflow.parentRunId": parent.info.run_id} if parent else {}),
            **allowed_keys(record["tags"]),
        }
        return self.client.create_run(
            self.experiment_id, start_time=record["created"], run_name=record["title"], tags=tags
        )

    def add_params(self, run: Run, values: Mapping[str, str]) -> None:
        """Add the parameters that the run has not: MLflow lets none be changed."""
        new = sorted(allowed_keys(values).items() - run.data.params.items())
        items = [Param(key, value) for key, value in new if key not in run.data.params]
        for start in range(0, len(items), _PARAMS_PER_BATCH):
            batch = items[start : start + _PARAMS_PER_BATCH]
            self.client.log_batch(run.info.run_id, params=batch, synchronous=True)

    def add_section(self, run_id: str, title: str, body: str) -> None:
        """Put a section into what the run's page says in words, in place of one of this title."""
        note = self.client.get_run(run_id).data.tags.get(NOTE_TAG, "")
        self.client.set_tag(run_id, NOTE_TAG, with_section(note, title, body))

    def add_points(self, run_id: str, points: Sequence[Point], **about: str) -> None:
        """Add points; `about` names the model and dataset that they are about."""
        items = [Metric(allowed_key(p.key), p.value, p.time, p.step, **about) for p in points]
        for start in range(0, len(items), _POINTS_PER_BATCH):
            batch = items[start : start + _POINTS_PER_BATCH]
            self.client.log_batch(run_id, metrics=batch, synchronous=True)

    def steps(self, run: Run) -> dict[str, set[int]]:
        """The steps in the history of every metric of a run."""
        keys = [key for key in run.data.metrics if not key.startswith("system/")]
        histories = (self.client.get_metric_history(run.info.run_id, key) for key in keys)
        return {
            key: {p.step for p in history} for key, history in zip(keys, histories, strict=True)
        }

    def pictures(self, run_id: str) -> set[tuple[str, int]]:
        """Name and step of every picture of a run."""
        paths = [item.path for item in self.client.list_artifacts(run_id, "images")]
        found = (re.match(r"images/(.+)[+%]step[+%](\d+)[+%]", path) for path in paths)
        return {(re.sub("[~#]", "/", name[1]), int(name[2])) for name in found if name}

    def begin(self, run_id: str) -> SystemMetricsMonitor | None:
        """Mark the run as running; what watches the machine meanwhile, unless that is unwanted."""
        self.client.update_run(run_id, status="RUNNING")
        if os.environ["MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"].lower() not in ("true", "1"):
            return None
        monitor = SystemMetricsMonitor(run_id, resume_logging=True, tracking_uri=self.uri)
        monitor.start()
        return monitor


def _dataset(dataset: Mapping[str, Any]) -> DatasetInput:
    counts = dict(dataset["counts"])
    profile = {"num_rows": sum(counts.values()), **counts, "digest": dataset["digest"]}
    return DatasetInput(
        dataset=Dataset(
            name=dataset["name"],
            digest=dataset["digest"][:36],  # as long as MLflow takes one
            source_type="local",
            source=json.dumps({"uri": dataset["source"]}),
            profile=json.dumps(profile, sort_keys=True),
        ),
        tags=[InputTag("mlflow.data.context", "training")],
    )


@contextmanager
def made_meanwhile() -> Iterator[None]:
    """Let it pass that another machine made the same at a server after nothing had been found."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


@contextmanager
def outages() -> Iterator[None]:
    """Turn whatever mlflow and the disk raise into an Outage."""
    try:
        yield
    except (Outage, Unusable):
        raise
    except Exception as error:
        raise Outage(cause(error)) from error
