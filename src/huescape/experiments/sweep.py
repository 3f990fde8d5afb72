"""A sweep from its file to its table: point after point, one MLflow run above the others."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huescape import tracking
from huescape.base import closure
from huescape.base.atomic import write_text
from huescape.base.digests import read_verified
from huescape.base.errors import HuescapeError
from huescape.base.runtime import STATE, SWEEP_POINT, state_dir
from huescape.experiments.execution import reproduce, restore, save
from huescape.experiments.points import ResolvedPoint, resolve_points
from huescape.experiments.sweep_file import SweepParams, describe, read_sweep, short_names
from huescape.experiments.table import as_csv, as_text, headline, refuse_foreign
from huescape.experiments.workplace import Workplace, link_sources, workplace
from huescape.params.load import load_params
from huescape.params.places import EVALUATION, MODELS, PARAMS, RAW, REPORTS
from huescape.tracking.notices import say


@dataclass
class _Sweep:
    """A sweep under way. `header` is that of its MLflow run, None if nothing is tracked."""

    params: SweepParams
    points: Sequence[ResolvedPoint]
    place: Workplace
    folder: Path
    table: Path
    header: dict[str, Any] | None = None
    done: dict[int, dict[str, Any]] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def varied(self) -> tuple[str, ...]:
        """Every key that a point changes, in the order of the file."""
        return tuple(dict.fromkeys(key for point in self.points for key in point.point))

    def experiment(self, point: ResolvedPoint) -> str:
        return f"{self.params.name}-{point.digest[:8]}"

    def rows(self) -> list[dict[str, Any]]:
        rows = []
        for point in self.points:
            status = "failed" if point.number in self.failed else "waiting"
            varied = {key: "null" if value is None else value for key, value in point.point.items()}
            for system in point.systems:
                row = {"point": point.number, "system": system, "status": status, **varied}
                if results := self.done.get(point.number):
                    row |= {"experiment": self.experiment(point), "status": "done"}
                    row |= results[system]
                rows.append(row)
        return rows


def run_sweep(file: Path, out: Callable[[str], None] = print) -> None:
    """Bring every point of a sweep file up to date; write and show one table.

    Every point is checked before the first one runs. A point that fails is told and the others go
    on. Raises ParamsError for a wrong file, and HuescapeError when points failed.
    """
    params = read_sweep(file)
    points = resolve_points(params, file, PARAMS)
    folder = state_dir().resolve() / "sweeps" / params.name
    tree = folder.joinpath("up", "up", "up", "up", "tree")  # `../../photos` can be a link there
    table = REPORTS / "sweeps" / f"{params.name}.csv"
    refuse_foreign(table)
    with workplace(Path(), tree, results=True) as place:
        link_sources(place, load_params(PARAMS).download, folder)
        sweep = _Sweep(params, points, place, folder, table)
        recorder, sweep.header = tracking.start_sweep(params.name, _run_key(sweep), _summary(sweep))
        with recorder:
            _run_points(sweep)
            recorder.artifact(table)
            out(as_text(sweep.rows(), sweep.varied))
            if sweep.failed:
                raise HuescapeError(
                    f"{len(sweep.failed)} of {len(points)} points failed, the first: "
                    f"{next(iter(sweep.failed.values()))}; the same command tries them again "
                    f"(their place: {place.project})"
                )
        place.remove()
        shutil.rmtree(folder)  # links to the user's files, no files


def _run_points(sweep: _Sweep) -> None:
    for point in sweep.points:
        say(f"point {point.number} of {len(sweep.points)}: {point}")
        try:
            _run_point(sweep, point)
        except HuescapeError as error:
            sweep.failed[point.number] = f"point {point.number} ({point}): {error}"
            say(f"huescape: point {point.number} failed: {error}")
        write_text(sweep.table, as_csv(sweep.rows(), sweep.varied))


def _run_point(sweep: _Sweep, point: ResolvedPoint) -> None:
    """Bring a point up to date, from its experiment if there is one; keep what is new."""
    place, name = sweep.place, sweep.experiment(point)
    variables = {STATE: str(state_dir().resolve())}
    variables["MLFLOW_TRACKING_URI"] = tracking.absolute_uri(Path())
    member = _member(sweep, point)
    if member is not None:
        variables[SWEEP_POINT] = str(sweep.folder / "point.json")
        member.write(sweep.folder / "point.json")
    scores = [str(EVALUATION / f"{system}.json") for system in point.systems]
    is_kept = restore(place, name, scores)
    place.write_params(point.text)
    lock = place.project / "dvc.lock"
    before = lock.read_bytes() if is_kept else None
    reproduce(place, point.targets, variables)
    sweep.done[point.number] = {name: headline(place.project, name) for name in point.systems}
    if lock.read_bytes() == before:
        return
    if member is not None:  # before the experiment, which tells the next call that all is done
        for system in point.systems:
            _record(place.project, system, member)
    save(place, name, point.targets, scores)


def _member(sweep: _Sweep, point: ResolvedPoint) -> tracking.Membership | None:
    if sweep.header is None:
        return None
    tags = {
        "sweep": sweep.params.name,
        "sweep.point": str(point),
        "dvc.experiment": sweep.experiment(point),
    }
    short = short_names(sweep.varied)
    title = describe({short[key]: value for key, value in point.point.items()}, " ")
    return tracking.Membership(sweep.header, point.digest, point.point, tags, title)


def _record(project: Path, system: str, member: tracking.Membership) -> None:
    """Add the scores to the run of the point, which training has begun or no stage had to."""
    folder = project / EVALUATION / system
    scores = folder.with_name(f"{system}.json")
    with tracking.attach_member(system, project / MODELS / system, member) as recorder:
        recorder.results(json.loads(read_verified(scores, f"evaluate@{system}", folder)))
        for path in (scores, folder):
            recorder.artifact(path, "evaluation")


def _run_key(sweep: _Sweep) -> str:
    """The run of the sweep: the same while its code and photos are, whatever points it has."""
    own = [file.relative_to(closure.PACKAGE) for file in closure.PACKAGE.glob("presets/*/*.py")]
    photos = sweep.place.project / RAW / "SHA256SUMS"
    parts = [sweep.params.name, *(closure.digest(stage, own) for stage in ("train", "evaluate"))]
    parts.append(photos.read_text(encoding="utf-8") if photos.is_file() else "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _summary(sweep: _Sweep) -> dict[str, Any]:
    """What the sweep's run has as parameters: every varied key and its values."""
    return {
        key: json.dumps([point.point[key] for point in sweep.points if key in point.point])
        for key in sweep.varied
    }
