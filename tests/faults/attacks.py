"""What to kill next, and when: a moment that a run of what is to be done will probably see."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tests.faults.processes import MODES
from tests.faults.project import ENGINES

STAGES = (
    "download",
    "filter",
    "resize",
    "bins",
    "encode",
    "prior",
    "train",
    "evaluate",
    "report",
)
LONGEST = 4.0  # seconds after the start of a stage


@dataclass(frozen=True)
class Write:
    """Files (glob patterns) whose writing is waited for, which stages do it, and how often."""

    patterns: tuple[str, ...]
    stages: tuple[str, ...]
    times: int = 1


WRITES = {
    "lock": Write(("dvc.lock", ".dvc.lock*"), STAGES, times=3),
    "hashes": Write((".huescape/hashes.jsonl", ".huescape/.hashes*"), ("download",)),
    "manifest": Write(("data/.raw*/*", "data/raw/*"), ("download",)),
    "partition": Write(
        (".huescape/partial/*/*", ".huescape/partial/*/*/*"), ("resize", "encode"), times=3
    ),
    "index": Write(
        ("data/resized/*index.json*", "data/shards/*/*index.json*"), ("resize", "encode")
    ),
    "checkpoint": Write((".huescape/checkpoints/*/*",), ("train",), times=3),
    "model": Write(("models/*", "models/*/*"), ("train",)),
    "scores": Write(("reports/evaluation/*", "reports/evaluation/*/*"), ("evaluate",)),
    "page": Write(
        ("reports/*.html*", "reports/*.csv*", "reports/side_by_side/*", "reports/plots/*"),
        ("report",),
    ),
}
#: The stages that have pools, by engine: Snakemake makes partitions in jobs of one process each.
_POOLS = {"dvc": {"filter", "resize", "encode"}, "snakemake": {"filter"}}


@dataclass(frozen=True)
class Attack:
    """Kill what `mode` says of a run of `engine`, `delay` seconds after a moment.

    `random`: after the `count`-th stage started; `worker`: after a pool worker appeared; a name of
    `WRITES`: after its `count`-th writing began.
    """

    engine: str
    mode: str
    moment: str
    count: int
    delay: float


def choose(to_run: Sequence[str], rng: random.Random) -> Attack:
    """An attack on a run of the stages that are still to be done, of which there is one or more."""
    engine, mode = rng.choice(list(ENGINES)), rng.choice(MODES)
    if mode == "worker":
        if _POOLS[engine] & set(to_run):
            return Attack(engine, mode, "worker", 1, rng.choice((0.0, rng.uniform(0, 0.5))))
        mode = "stage"
    writes = [name for name, write in WRITES.items() if set(write.stages) & set(to_run)]
    if rng.random() < 0.6:
        # The lock is what both engines need: it is attacked as often as all others together.
        moment = "lock" if rng.random() < 0.4 else rng.choice(writes)
        count = rng.randint(1, min(WRITES[moment].times, len(to_run)))
        return Attack(engine, mode, moment, count, rng.choice((0.0, rng.uniform(0, 0.03))))
    count = rng.randint(0 if mode in ("group", "engine") else 1, min(3, max(1, len(to_run) - 1)))
    longest = LONGEST if len(to_run) > count else 1.0  # the last stage takes no longer
    return Attack(engine, mode, "random", count, rng.uniform(0, longest))


def stages_to_run(root: Path, finished: bytes) -> list[str]:
    """The stages whose record in dvc.lock is not that of the `finished` one.

    All of them where it cannot be read. A record may be right and its outputs gone: this serves
    the choice of an attack alone.
    """
    theirs = _stages(finished)
    try:
        mine = _stages((root / "dvc.lock").read_bytes())
    except (OSError, YAMLError, TypeError, KeyError):
        mine = {}
    left = {name.split("@")[0] for name in theirs if mine.get(name) != theirs[name]}
    return [name for name in STAGES if name in left]


def _stages(lock: bytes) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(lock)["stages"])
