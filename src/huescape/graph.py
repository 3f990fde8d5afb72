"""The graph as DVC resolves it, and DVC's judgement of it: the only importer of dvc.

`dvc.yaml` defines the stages and `dvc.lock` says which of them are stale. Snakemake asks here, and
records here what it made, so that the two engines trust each other's results.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huescape.errors import HuescapeError


@dataclass(frozen=True)
class Stage:
    """One resolved stage: `encode@lab313` is the instance lab313 of the group `encode`.

    `track` holds the files that stand for all outputs; `scatter` the dotted parameter that gives
    the number of partitions, if the stage can be made one partition at a time. `cores` is `one`,
    `all` (it has a pool of processes) or `torch` (as many as torch has threads).
    """

    name: str
    cmd: str
    upstream: tuple[str, ...]
    track: tuple[str, ...]
    scatter: str | None
    cores: str
    memory_mb: int

    @property
    def group(self) -> str:
        """The name before the `@`, which is the stage's subcommand."""
        return self.name.split("@", maxsplit=1)[0]

    @property
    def rule(self) -> str:
        """The name of its Snakemake rule."""
        return self.name.replace("@", "_")


@dataclass(frozen=True)
class Graph:
    """All stages, in the order in which DVC would run them."""

    stages: Mapping[str, Stage]

    def tainted(self, stale: frozenset[str]) -> frozenset[str]:
        """The stages that are stale or come after a stale one."""
        found: set[str] = set()
        for name, stage in self.stages.items():
            if name in stale or found.intersection(stage.upstream):
                found.add(name)
        return frozenset(found)


def load_graph(root: Path = Path()) -> Graph:
    """Resolve dvc.yaml; raises HuescapeError in one line when DVC refuses it."""
    with _locked(root), _repo(root) as repo:
        return Graph({stage.name: _stage(repo, stage) for stage in _ordered(repo)})


def stale_stages(root: Path = Path()) -> frozenset[str]:
    """The stages that DVC calls changed: inputs, parameters, command or outputs."""
    with _locked(root), _repo(root) as repo:
        status = repo.status()
        return frozenset(s.name for s in repo.index.stages if s.addressing in status)


def is_stale(name: str, root: Path = Path()) -> bool:
    """Whether DVC calls this one stage changed."""
    with _locked(root), _repo(root) as repo:
        return bool(repo.status(targets=[name]))


def remove_outputs(name: str, root: Path = Path()) -> None:
    """Remove what a stage wrote before, as DVC does before it runs one."""
    with _locked(root), _repo(root) as repo, repo.lock:
        _find(repo, name).remove_outs(ignore_remove=True)


def commit(name: str, root: Path = Path()) -> None:
    """Record in dvc.lock what a stage just wrote, in the order in which DVC itself would write."""
    with _locked(root), _repo(root) as repo:
        repo.commit(name, force=True)
        _sort_lock(repo)


def _stage(repo: Any, stage: Any) -> Stage:
    meta = stage.meta or {}
    upstream = sorted(before.name for before in repo.index.graph.successors(stage))
    files = [out.def_path for out in stage.outs]
    return Stage(
        name=stage.name,
        cmd=stage.cmd,
        upstream=tuple(upstream),
        track=tuple(meta.get("track", files)),
        scatter=meta.get("scatter"),
        cores=str(meta.get("cores", "one")),
        memory_mb=int(meta.get("memory", 1000)),
    )


def _ordered(repo: Any) -> list[Any]:
    from dvc.repo.reproduce import plan_repro

    return list(plan_repro(repo.index.graph))


def _find(repo: Any, name: str) -> Any:
    return next(stage for stage in repo.index.stages if stage.name == name)


def _sort_lock(repo: Any) -> None:
    """Jobs end in any order; dvc.lock keeps the order of the graph, and with it its bytes."""
    from dvc.utils.serialize import modify_yaml

    rank = {stage.name: place for place, stage in enumerate(_ordered(repo))}
    with modify_yaml(Path(repo.root_dir, "dvc.lock")) as lock:
        stages = dict(lock["stages"])
        names = sorted(stages, key=lambda name: rank.get(name, len(rank)))
        if names == list(stages):
            return
        lock["stages"].clear()
        lock["stages"].update({name: stages[name] for name in names})


@contextmanager
def _repo(root: Path) -> Iterator[Any]:
    try:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
    except ImportError as error:
        raise HuescapeError(f"dvc cannot be imported ({error}): run `make env`") from error
    try:
        with Repo(str(root)) as repo:
            yield repo
    except DvcException as error:
        raise HuescapeError(" ".join(f"dvc: {error}".split())) from error


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One at a time among the jobs of a run, readers too.

    DVC gives up on its own lock after seconds, and rewrites dvc.lock in place: a reader beside it
    would find half a file.
    """
    path = root / ".dvc" / "tmp" / "huescape.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
