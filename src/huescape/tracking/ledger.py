"""Which run is which: by the model it made, by the training to go on with, by its id in MLflow.

A run has a key of its own before any server has heard of it. Below `tracking/`:

    <system>.json      models: digest of a model's folder -> run; unfinished: resume key -> run;
                       finished: resume key -> run, and what dvc.lock had of the stage before it
    runs/<key>.json    destination, run id there, and the last step sent of every metric
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huescape.base.atomic import write_json
from huescape.base.runtime import project_dir, state_dir

REMEMBERED = 100  # models, and unfinished trainings, of a system


class Ledger:
    """The files above; every change is made under a lock and written whole."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or project_dir() / state_dir() / "tracking"
        self.pending = self.folder / "pending"

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Keep other processes and threads out of what goes by this name.

        `tables` is held for moments only; `creation` for as long as a server takes to answer, so
        it is for the publisher's thread.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def run_of_model(self, system: str, digest: str, destination: str) -> str | None:
        """Key of the run that made the model with this digest and was meant for `destination`."""
        return self._find(system, "models", digest, destination)

    def unfinished_run(self, system: str, resume_key: str, destination: str) -> str | None:
        """Key of the run whose training was interrupted at the checkpoint `resume_key`."""
        return self._find(system, "unfinished", resume_key, destination)

    def remember_model(self, system: str, digest: str, run: str, destination: str) -> None:
        """Note which run made a model."""
        self._note(system, "models", digest, {"run": run, "destination": destination})

    def remember_unfinished(self, system: str, resume_key: str, run: str, destination: str) -> None:
        """Note which run a resumed training continues."""
        self._note(system, "unfinished", resume_key, {"run": run, "destination": destination})

    def forget_unfinished(self, system: str, resume_key: str) -> None:
        """The training is finished: the next one under this key is another run."""
        self._note(system, "unfinished", resume_key, None)

    def unrecorded_run(
        self, system: str, resume_key: str, destination: str, record: str
    ) -> str | None:
        """Key of the run that finished under `resume_key` and that no engine has recorded since.

        `record` stands for what dvc.lock has of the stage: a training that was recorded, changed
        it. One that was recorded with the very same words, since it was forced, is not told apart.
        """
        row = _rows(_read(self._system_path(system)), "finished").get(resume_key, {})
        if row.get("record") != record:
            return None
        return self._find(system, "finished", resume_key, destination)

    def remember_finished(
        self, system: str, resume_key: str, run: str, destination: str, record: str
    ) -> None:
        """Note the run of a finished training, and what dvc.lock had of its stage at the start."""
        entry = {"run": run, "destination": destination, "record": record}
        self._note(system, "finished", resume_key, entry)

    def run_id(self, run: str) -> str | None:
        """The id that the destination gave to the run, if it has heard of it."""
        found = self._run(run).get("run_id")
        return str(found) if found is not None else None

    def remember_run(self, run: str, destination: str, run_id: str) -> None:
        """Note the id that the destination gave to a run."""
        content = {**self._run(run), "destination": destination, "run_id": run_id}
        write_json(self._run_path(run), content)

    def last_steps(self, run: str) -> dict[str, int]:
        """The last step of every metric and series of pictures that was sent."""
        steps = self._run(run).get("steps")
        if not isinstance(steps, dict):
            return {}
        return {key: step for key, step in steps.items() if isinstance(step, int)}

    def remember_steps(self, run: str, steps: dict[str, int]) -> None:
        """Raise the last steps that were sent."""
        known = self.last_steps(run)
        merged = {**known, **{k: max(v, known.get(k, v)) for k, v in steps.items()}}
        write_json(self._run_path(run), {**self._run(run), "steps": merged})

    def _find(self, system: str, table: str, key: str, destination: str) -> str | None:
        entry = _rows(_read(self._system_path(system)), table).get(key)
        return str(entry["run"]) if entry and entry["destination"] == destination else None

    def _note(self, system: str, table: str, key: str, entry: dict[str, str] | None) -> None:
        with self.locked("tables"):
            content = _read(self._system_path(system))
            # JSON is written with sorted keys, so age needs a number of its own.
            rows = _rows(content, table)
            rows.pop(key, None)
            if entry is not None:
                age = 1 + max((row["age"] for row in rows.values()), default=0)
                rows[key] = {**entry, "age": age}
            youngest = sorted(rows, key=lambda name: int(rows[name]["age"]))[-REMEMBERED:]
            content[table] = {name: rows[name] for name in youngest}
            write_json(self._system_path(system), content)

    def _system_path(self, system: str) -> Path:
        return self.folder / f"{quote(system, safe=' ')}.json"

    def _run_path(self, run: str) -> Path:
        return self.folder / "runs" / f"{run}.json"

    def _run(self, run: str) -> dict[str, Any]:
        return _read(self._run_path(run))


def new_run() -> str:
    """A key for a new run."""
    return uuid.uuid4().hex


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _rows(content: dict[str, Any], table: str) -> dict[str, dict[str, Any]]:
    """The rows of a table that are whole; what was damaged is forgotten, as if it were too old."""
    rows = content.get(table)
    if not isinstance(rows, dict):
        return {}
    kinds = {"run": str, "destination": str, "age": int}
    return {
        key: row
        for key, row in rows.items()
        if isinstance(row, dict) and all(isinstance(row.get(k), kinds[k]) for k in kinds)
    }


def _read(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one when the file is absent or damaged: it can be made again."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
