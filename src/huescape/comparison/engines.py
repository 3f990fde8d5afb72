"""How a comparison is run: by Snakemake, or stage by stage where no engine is installed."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from huescape.base.children import call, environment, exit_code
from huescape.base.errors import HuescapeError
from huescape.comparison.folder import write_params
from huescape.comparison.pace import steps_that_fit
from huescape.comparison.trained import remember, trained_steps
from huescape.training.devices import choose_device


def run_graph(folder: Path, jobs: int) -> int:
    """Bring the folder up to date with Snakemake on `jobs` cores; its exit code.

    DVC's judgement as everywhere: what is done is not done again, and what fails does not stop the
    other systems. On a CPU each training has one thread: side by side they are faster than one
    after the other with all. A GPU has one training at a time.
    """
    variables = environment(folder / "src")
    if not (folder / ".dvc").is_dir():
        call([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], folder, variables)
    command = [sys.executable, "-m", "snakemake", "report", "--cores", str(jobs), "--keep-going"]
    if has_gpu():
        command += ["--resources", "device=1"]
    else:
        variables.setdefault("HUESCAPE_THREADS", "1")
        command += ["--max-threads", "1"]
    return exit_code(command, folder, variables)


def has_gpu() -> bool:
    """Whether trainings would run on a GPU."""
    return choose_device().type != "cpu"


def has_engines() -> bool:
    """Whether DVC and Snakemake are there; a machine that was lent for an hour may lack them."""
    return find_spec("dvc") is not None and find_spec("snakemake") is not None


def run_stages(folder: Path, params: dict[str, Any], minutes: float | None) -> int:
    """Run every stage in the graph's order, without an engine; 1 if a system failed.

    A system that was trained with the same parameters, targets and code is not trained again. With
    `minutes`, every system still to be trained gets an equal share of what is left, and its `steps`
    are set to what fits into it; what was trained before keeps the steps it has.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    for stage in ("download", "filter", "resize"):
        _stage(folder, stage)
    for name in params["quantizers"]:
        for stage in ("bins", "encode", "prior"):
            _stage(folder, stage, name)
    failed = _systems(folder, params, end)
    left = {name: entry for name, entry in params["systems"].items() if name not in failed}
    if left:  # the page is of those that are done; the next run writes params.yaml anew
        write_params(folder, {**params, "systems": left})
        _stage(folder, "report")
    for name in failed:
        print(f"compare: {name} failed, see above", file=sys.stderr)
    return int(bool(failed))


def _systems(folder: Path, params: dict[str, Any], end: float | None) -> list[str]:
    """Train and score each system; the names of those that failed."""
    systems: dict[str, dict[str, Any]] = params["systems"]
    waiting = []
    for name, entry in systems.items():
        steps = trained_steps(folder, name, entry, any_steps=end is not None)
        if steps is None:
            waiting.append(name)
        elif end is not None:
            entry["steps"] = steps
    write_params(folder, params)
    failed = []
    for name in systems:
        try:
            if name in waiting:
                share = None if end is None else (end - time.monotonic()) / len(waiting)
                waiting.remove(name)
                _train(folder, params, name, share)
            _stage(folder, "evaluate", name)
        except HuescapeError as error:
            print(f"compare: {name}: {error}", file=sys.stderr)
            failed.append(name)
    return failed


def _train(folder: Path, params: dict[str, Any], name: str, seconds: float | None) -> None:
    """Train one system, for as many steps as fit into `seconds`, if they are given."""
    entry = params["systems"][name]
    if seconds is not None:
        entry["steps"] = steps_that_fit(folder, name, seconds)
        write_params(folder, params)
    _stage(folder, "train", name)
    remember(folder, name, entry)


def _stage(folder: Path, stage: str, *names: str) -> None:
    # HUESCAPE_ENGINE: a stage stops when this process is gone.
    variables = environment(folder / "src", {"HUESCAPE_ENGINE": "compare"})
    variables.setdefault("HUESCAPE_TRACKING", "off")
    call([sys.executable, "-m", "huescape", stage, *names], folder, variables)
