"""A sweep from its file to its table: point after point, one MLflow run above the others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huescape import tracking
from huescape.base.atomic import write_text
from huescape.base.digests import read_verified
from huescape.base.errors import HuescapeError
from huescape.base.runtime import state_dir
from huescape.params.load import load_params
from huescape.params.sweeps import SweepParams, read_sweep
from huescape.sweeps.execution import reproduce, save_experiment, write_params
from huescape.sweeps.memory import Memory, base_digest
from huescape.sweeps.points import ResolvedPoint, resolve_points
from huescape.sweeps.table import as_csv, as_text, headline
from huescape.sweeps.workplace import Workplace, prepare
from huescape.tracking.membership import VARIABLE
from huescape.tracking.notices import say

TABLES = Path("reports/sweeps")
PARAMS = Path("params.yaml")


@dataclass
class _Sweep:
    """A sweep under way. `header` is that of its MLflow run, None if nothing is tracked."""

    params: SweepParams
    points: Sequence[ResolvedPoint]
    place: Workplace
    memory: Memory
    base: str
    lock: int
    header: dict[str, Any] | None = None
    failed: dict[str, str] = field(default_factory=dict)

    def key(self, point: ResolvedPoint) -> str:
        return hashlib.sha256(f"{self.base}\0{point.digest}".encode()).hexdigest()

    def experiment(self, point: ResolvedPoint) -> str:
        return f"{self.params.name}-{self.key(point)[:8]}"

    @property
    def varied(self) -> tuple[str, ...]:
        """Every key that a point changes, in the order of the file."""
        return tuple(dict.fromkeys(key for point in self.points for key in point.point))


def run_sweep(file: Path, out: Callable[[str], None] = print) -> None:
    """Run every point of a sweep file that is not finished; write and show one table.

    Every point is checked before the first one runs. A point that fails is told and the others go
    on. Raises ParamsError for a wrong file, and HuescapeError when points failed.
    """
    params = read_sweep(file)
    _refuse_foreign(_table(params))
    points = resolve_points(params, file, PARAMS)
    memory = Memory(params.name)
    with memory.alone() as lock:
        place = prepare(Path(), memory.folder, load_params(PARAMS).download)
        sweep = _Sweep(params, points, place, memory, base_digest(place.project), lock)
        recorder, sweep.header = tracking.start_sweep(params.name, _run_key(sweep), _summary(sweep))
        with recorder:
            _run_points(sweep)
            table = _write_table(sweep)
            recorder.artifact(table)
            out(as_text(_rows(sweep), sweep.varied))
            if sweep.failed:
                raise HuescapeError(
                    f"{len(sweep.failed)} of {len(points)} points failed, the first: "
                    f"{next(iter(sweep.failed.values()))}; the same command tries them again "
                    f"(their place: {place.project})"
                )
        place.remove()


def _run_points(sweep: _Sweep) -> None:
    for point in sweep.points:
        title = f"point {point.number} of {len(sweep.points)}: {point}"
        if sweep.memory.finished(sweep.key(point)):
            say(f"{title}: finished before")
            continue
        say(title)
        try:
            _run_point(sweep, point)
        except HuescapeError as error:
            sweep.failed[sweep.key(point)] = f"point {point.number} ({point}): {error}"
            say(f"huescape: point {point.number} failed: {error}")
        _write_table(sweep)


def _run_point(sweep: _Sweep, point: ResolvedPoint) -> None:
    variables = {"HUESCAPE_STATE": str(state_dir().resolve())}
    variables["MLFLOW_TRACKING_URI"] = tracking.absolute_uri(Path())
    member = _member(sweep, point)
    if member is not None:
        member.write(sweep.memory.member)
        variables[VARIABLE] = str(sweep.memory.member)
    write_params(sweep.place, point.text)
    chosen = tuple(f"evaluate@{name}" for name in sweep.params.systems)
    reproduce(sweep.place, chosen, variables, sweep.lock)
    results = {name: headline(sweep.place.project, name) for name in point.systems}
    save_experiment(sweep.place, sweep.experiment(point))
    if member is not None:
        for system in point.systems:
            _record(sweep.place.project, system, member)
    sweep.memory.finish(sweep.key(point), results)


def _member(sweep: _Sweep, point: ResolvedPoint) -> tracking.Membership | None:
    if sweep.header is None:
        return None
    tags = {
        "sweep": sweep.params.name,
        "sweep.point": str(point),
        "dvc.experiment": sweep.experiment(point),
    }
    return tracking.Membership(sweep.header, sweep.key(point), point.point, tags, str(point))


def _record(project: Path, system: str, member: tracking.Membership) -> None:
    """Add the scores to the run of the point, which training has begun or no stage had to."""
    evaluation = project / "reports" / "evaluation"
    scores = evaluation / f"{system}.json"
    with tracking.attach_member(system, project / "models" / system, member) as recorder:
        recorder.results(
            json.loads(read_verified(scores, f"evaluate@{system}", evaluation / system))
        )
        for path in (scores, evaluation / system):
            recorder.artifact(path, "evaluation")


def _run_key(sweep: _Sweep) -> str:
    """The run of the sweep: the same while its code and photos are, whatever points it has."""
    return hashlib.sha256(f"{sweep.params.name}\0{sweep.base}".encode()).hexdigest()[:32]


def _summary(sweep: _Sweep) -> dict[str, Any]:
    """What the sweep's run has as parameters: every varied key and its values."""
    return {
        key: json.dumps([point.point[key] for point in sweep.points if key in point.point])
        for key in sweep.varied
    }


def _rows(sweep: _Sweep) -> list[dict[str, Any]]:
    rows = []
    for point in sweep.points:
        results = sweep.memory.finished(sweep.key(point))
        status = "failed" if sweep.key(point) in sweep.failed else "waiting"
        varied = {key: "null" if value is None else value for key, value in point.point.items()}
        for system in point.systems:
            row = {"point": point.number, "system": system, "status": status, **varied}
            if results is not None:
                row |= {"experiment": sweep.experiment(point), "status": "done", **results[system]}
            rows.append(row)
    return rows


def _table(params: SweepParams) -> Path:
    return TABLES / f"{params.name}.csv"


def _refuse_foreign(table: Path) -> None:
    """Raise HuescapeError for a file in the table's place that is no table of a sweep."""
    if not table.is_file():
        return
    head = as_csv([], ()).split(",", maxsplit=2)[:2]
    if table.read_bytes()[:1000].decode(errors="replace").split(",", maxsplit=2)[:2] != head:
        raise HuescapeError(f"{table}: is there, and no table of a sweep; move it, or name another")


def _write_table(sweep: _Sweep) -> Path:
    path = _table(sweep.params)
    write_text(path, as_csv(_rows(sweep), sweep.varied))
    return path
