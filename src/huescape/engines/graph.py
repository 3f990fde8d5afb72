"""The graph as DVC resolves it, and DVC's judgement of it: the only importer of dvc.

`dvc.yaml` defines the stages and `dvc.lock` says which of them are stale. Snakemake asks here, and
records here what it made, so that the two engines trust each other's results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huescape.base.collection import without_collection
from huescape.base.errors import HuescapeError
from huescape.engines import lockfile

_LAUNCHER = "sh workflow/run "


@dataclass(frozen=True)
class Stage:
    """One resolved stage: `encode@lab313` is one of the group `encode`.

    `track` holds the files that stand for all outputs; `scatter` the dotted parameter that gives
    the number of partitions, if the stage can be made one partition at a time. `cores` is `one`,
    `all` (it has a pool of processes) or `torch` (as many as torch has threads). A `constant` stage
    always writes the same bytes, or fails.
    """

    name: str
    cmd: str
    upstream: tuple[str, ...]
    track: tuple[str, ...]
    scatter: str | None
    cores: str
    memory_mb: int
    constant: bool

    @property
    def group(self) -> str:
        """Its subcommand: `train` for `finetune@x`, too, as their commands are alike."""
        return self.cmd.removeprefix(_LAUNCHER).split(maxsplit=1)[0]

    @property
    def rule(self) -> str:
        """The name of its Snakemake rule: the group, without its own underscores, and the key."""
        group, at, key = self.name.partition("@")
        return group.replace("_", "") + at.replace("@", "_") + key

    @property
    def partition_rule(self) -> str:
        """The name of the rule that makes one partition: no key (`x_partition`) leads to it."""
        return f"partition_{self.rule}"


@dataclass(frozen=True)
class Graph:
    """All stages, in the order in which DVC would run them."""

    stages: Mapping[str, Stage]

    def tainted(self, stale: frozenset[str]) -> frozenset[str]:
        """The stages whose outputs may change: the stale ones, and those after them."""
        found: set[str] = set()
        for name, stage in self.stages.items():
            if stage.constant:
                continue
            if name in stale or found.intersection(stage.upstream):
                found.add(name)
        return frozenset(found)


@dataclass(frozen=True)
class Judgement:
    """What DVC says: the graph, the stale stages, and what else than the project it looked at.

    `elsewhere` holds the files of its settings and the folder of its cache; `inside` says whether
    all inputs and outputs lie in the project's folder.
    """

    graph: Graph
    stale: frozenset[str]
    elsewhere: tuple[str, ...]
    inside: bool


def load_graph(root: Path = Path()) -> Graph:
    """Resolve dvc.yaml; raises HuescapeError in one line when DVC refuses it."""
    with _locked(root), _repo(root) as repo:
        return _graph(repo)


def judge(root: Path = Path()) -> Judgement:
    """Ask DVC for the graph and for the stages that it calls changed, in one go.

    Changed are inputs, parameters, the command or outputs. Raises HuescapeError in one line when
    DVC refuses dvc.yaml.
    """
    with _locked(root), _repo(root) as repo, _kept_index(repo), without_collection():
        graph = _graph(repo)
        status = repo.status()
        stages = repo.index.stages
        stale = frozenset(stage.name for stage in stages if stage.addressing in status)
        inside = [_is_inside(out, repo.root_dir) for s in stages for out in (*s.deps, *s.outs)]
        settings = [path for path in repo.config.files.values() if path]
        return Judgement(graph, stale, (*settings, repo.cache.local.path), all(inside))


def look_up(name: str, *, ask: bool, root: Path = Path()) -> tuple[Stage, bool]:
    """One stage, and whether it has to run: if DVC is asked, whether it calls the stage changed.

    Raises HuescapeError in one line when dvc.yaml has no such stage, or DVC refuses it.
    """
    with _locked(root), _repo(root) as repo, _kept_index(repo):
        stage = _graph(repo).stages.get(name)
        if stage is None:
            raise HuescapeError(f"dvc.yaml has no stage {name!r}")
        # As DVC's own `status` of one target, which would read dvc.yaml and dvc.lock once more.
        return stage, not ask or bool(_find(repo, name).status(check_updates=True))


def remove_outputs(name: str, root: Path = Path()) -> None:
    """Remove what a stage wrote before, as DVC does before it runs one."""
    with _locked(root), _repo(root) as repo, repo.lock:
        _find(repo, name).remove_outs(ignore_remove=True)


def commit(name: str, root: Path = Path()) -> None:
    """Record in dvc.lock what a stage just wrote, with the bytes that DVC itself would write.

    What `dvc commit -f` does, but for the writing: dvc.lock is replaced, never rewritten in place.
    Raises HuescapeError in one line when DVC or the disk refuses.
    """
    with _locked(root), _repo(root) as repo, _kept_index(repo):
        stage = _find(repo, name)
        stage.save()
        stage.commit()
        for out in stage.outs:  # DVC passes over what it could not copy: a full disk, say
            if out.use_cache and out.changed_cache():
                raise HuescapeError(
                    f"{repo.cache.local.path}: {out.def_path} could not be stored there whole; "
                    "see above, and run again"
                )
        lockfile.write(root, _lock_with(repo, stage))
        repo.scm_context.track_file(str(lockfile.LOCK))


def _graph(repo: Any) -> Graph:
    stages = {stage.name: _stage(repo, stage) for stage in _ordered(repo)}
    if not stages:
        raise HuescapeError("dvc.yaml: is missing or has no stages; `git checkout dvc.yaml`")
    return Graph(stages)


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
        constant=bool(meta.get("constant", False)),
    )


def _ordered(repo: Any) -> list[Any]:
    from dvc.repo.reproduce import plan_repro

    return list(plan_repro(repo.index.graph))


def _find(repo: Any, name: str) -> Any:
    return next(stage for stage in repo.index.stages if stage.name == name)


def _lock_with(repo: Any, stage: Any) -> bytes:
    """dvc.lock with the entry of a stage, as DVC writes it.

    Jobs end in any order; dvc.lock keeps the order of the graph, and with it its bytes.
    """
    from dvc.stage.serialize import to_lockfile
    from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update

    path = Path(repo.root_dir, lockfile.LOCK)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lock = parse_yaml_for_update(text, str(path)) or {"schema": "2.0"}
    stages = lock.setdefault("stages", {})
    stages.update(to_lockfile(stage))
    rank = {found.name: place for place, found in enumerate(_ordered(repo))}
    names = sorted(stages, key=lambda name: rank.get(name, len(rank)))
    if names != list(stages):
        entries = dict(stages)
        stages.clear()
        stages.update({name: entries[name] for name in names})
    return str(dumps_yaml(lock)).encode()


@contextmanager
def _kept_index(repo: Any) -> Iterator[None]:
    """Inside its own lock DVC reads dvc.yaml and dvc.lock once, not anew for every question."""
    from dvc.repo import lock_repo

    with lock_repo(repo):
        yield


def _is_inside(out: Any, root: str) -> bool:
    return bool(out.protocol == "local" and Path(out.fspath).is_relative_to(root))


@contextmanager
def _repo(root: Path) -> Iterator[Any]:
    try:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
    except ImportError as error:
        raise HuescapeError(f"dvc cannot be imported ({error}): run `make env`") from error
    if set("{}") & set(str(root.resolve())):
        raise HuescapeError(
            f"{root.resolve()}: dvc cannot work in a folder whose path has braces; rename it"
        )
    try:
        with Repo(str(root)) as repo:
            yield repo
    except DvcException as error:
        raise HuescapeError(" ".join(f"dvc: {error}".split())) from error
    except PermissionError as error:  # of dvc.lock, dvc.yaml or DVC's own folder
        raise HuescapeError(f"dvc: {error.filename}: {error.strerror}") from error


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One at a time among the jobs of a run, and on a dvc.lock that DVC can read."""
    with lockfile.project_lock(root):
        lockfile.tell(lockfile.mend_locked(root))
        yield
