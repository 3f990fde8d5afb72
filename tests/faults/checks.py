"""What must hold once a project that was killed is done, whatever happened to it."""

from __future__ import annotations

import sqlite3
import subprocess
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.project import OUTPUTS, RECORDED_STEPS, Starts, digests

#: What engines, stages and tracking keep beside the outputs.
_STATE = frozenset({".huescape", ".snakemake", "logs", "mlflow.db", "mlruns"})
#: Folders of unfinished work: empty once everything is finished.
_WORK = (".huescape/partial", ".huescape/checkpoints", ".huescape/tracking/waiting")


@dataclass
class Faults:
    """What was found at the end, by kind: paths or sentences."""

    differences: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    tracking: list[str] = field(default_factory=list)

    def any(self) -> bool:
        """Whether there is one."""
        return any((self.differences, self.leftovers, self.stale, self.tracking))


def judge(
    root: Path, starts: Starts, environment: Mapping[str, str], tracking: bool, faults: Faults
) -> None:
    """Compare a finished tree with the undisturbed one; add what is wrong to `faults`."""
    faults.differences += _differences(root, starts)
    faults.leftovers += _leftovers(root, starts)
    faults.stale += _stale(root, environment)
    if tracking:
        faults.tracking += _tracking(root / "mlflow.db")


def _differences(root: Path, starts: Starts) -> list[str]:
    mine, theirs = digests(root), starts.files
    different = [name for name in theirs if mine.get(name) != theirs[name]]
    if (root / "dvc.lock").read_bytes() != starts.lock:
        different.append("dvc.lock")
    return different


def _leftovers(root: Path, starts: Starts) -> list[str]:
    found = [name for name in digests(root) if name not in starts.files]
    found += [path.name for path in root.iterdir() if path.name not in starts.entries | _STATE]
    hidden = (path for top in OUTPUTS for path in (root / top).rglob(".*"))
    found += [_name(path, root) for path in hidden if path.name != ".gitignore"]
    for folder in _WORK:
        if (root / folder).is_dir():
            found += [_name(path, root) for path in (root / folder).iterdir()]
    found += [_name(path, root) for path in (root / ".huescape").rglob("*.tmp")]
    return sorted(set(found))


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _stale(root: Path, environment: Mapping[str, str]) -> list[str]:
    done = subprocess.run(
        ("dvc", "status"), cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    return [] if "up to date" in said and done.returncode == 0 else said.splitlines()[:12]


def _tracking(store: Path) -> list[str]:
    """One finished run that has the scores, and the loss of every recorded step exactly once."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
            return list(_run_faults(database))
    except sqlite3.Error as error:
        return [f"the store cannot be read: {error}"]


def _run_faults(database: sqlite3.Connection) -> list[str]:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return database.execute(query).fetchall()

    faults = [f"integrity: {row}" for row in rows("pragma integrity_check") if row != ("ok",)]
    runs = rows("select run_uuid, status from runs where lifecycle_stage = 'active'")
    if [status for _, status in runs] != ["FINISHED"]:
        faults.append(f"runs: {sorted(status for _, status in runs)}")
    for run, _ in runs:
        where = f"from metrics where run_uuid = '{run}' and key ="
        steps = Counter(step for (step,) in rows(f"select step {where} 'loss'"))
        twice = sorted(step for step, count in steps.items() if count > 1)
        if twice or not set(steps) >= RECORDED_STEPS:
            faults.append(f"steps of the loss: {sorted(steps)}, more than once: {twice}")
    if not rows("select value from metrics where key = 'auc'"):
        faults.append("no scores")
    return faults
