"""The counts of a run of episodes, and what they were made with."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from benchmarks.harness import machine
from benchmarks.scratch import ROOT


@cache
def commit() -> str:
    """The commit that is checked out; with `-dirty` where tracked files differ from it."""
    return subprocess.run(
        ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def summary(records: Sequence[Mapping[str, Any]], *, seed: int, kills: int) -> dict[str, Any]:
    """What is written to faults.json."""
    struck = [kill for record in records for kill in record["kills"]]
    return {
        "command": f"make faults KILLS={kills} SEED={seed}",
        "kills": len(struck),
        **{f"kills_by_{what}": _counted(kill[what] for kill in struck) for what in _BY},
        "episodes": len(records),
        "episodes_by_start": _counted(record["plan"]["start"] for record in records),
        "episodes_with_tracking": sum(record["plan"]["tracking"] for record in records),
        "found": found(records),
        "failing": [record["plan"]["number"] for record in records if not record["good"]],
        "seconds_of_episodes": round(sum(record["seconds"] for record in records)),
        "commit": commit(),
        "machine": machine(),
        "versions": {name: version(name) for name in ("dvc", "snakemake", "mlflow", "torch")},
    }


_BY = ("mode", "engine", "moment")


def found(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """How often something was found, by kind: zeros where nothing was."""
    records = list(records)
    repairs = [repair for record in records for repair in record["repairs"]]
    kinds = ("differences", "leftovers", "stale", "tracking")
    return {
        "manual_repairs": len(repairs),
        "manual_repairs_by_remedy": _counted(repair["remedy"] for repair in repairs),
        "orphans": sum(len(record["orphans"]) for record in records),
        "hangs": sum(len(record["hangs"]) for record in records),
        **{
            f"episodes_with_{kind}": sum(bool(record["faults"][kind]) for record in records)
            for kind in kinds
        },
        "episodes_broken_off": sum(record["broken_off"] for record in records),
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
