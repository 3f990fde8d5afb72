"""How a comparison is run: by Snakemake, or stage by stage where no engine is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from huescape.comparison.folder import write_params
from huescape.comparison.pace import steps_that_fit
from huescape.errors import HuescapeError
from huescape.training.devices import choose_device


def run_graph(folder: Path, jobs: int) -> int:
    """Bring the folder up to date with Snakemake on `jobs` cores; its exit code.

    DVC's judgement as everywhere: what is done is not done again, and what fails does not stop the
    other systems. On a CPU each training has one thread: side by side they are faster than one
    after the other with all. A GPU has one training at a time.
    """
    environment = {**os.environ, "PYTHONPATH": str(folder.resolve() / "src")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment["PATH"] = path
    if not (folder / ".dvc").is_dir():
        _call([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], folder, environment)
    command = [sys.executable, "-m", "snakemake", "report", "--cores", str(jobs), "--keep-going"]
    if has_gpu():
        command += ["--resources", "device=1"]
    else:
        environment.setdefault("HUESCAPE_THREADS", "1")
        command += ["--max-threads", "1"]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def has_gpu() -> bool:
    """Whether trainings would run on a GPU."""
    return choose_device().type != "cpu"


def has_engines() -> bool:
    """Whether DVC and Snakemake are there; a machine that was lent for an hour may lack them."""
    return find_spec("dvc") is not None and find_spec("snakemake") is not None


def run_stages(folder: Path, params: dict[str, Any], minutes: float | None) -> int:
    """Run every stage in the graph's order, without an engine; 1 if a system failed.

    A system that was trained with the same parameters is not trained again. With `minutes`, every
    system still to be trained gets an equal share of what is left, and its `steps` are set to what
    fits into it.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    for stage in ("download", "filter", "resize"):
        _stage(folder, stage)
    for name in params["quantizers"]:
        for stage in ("bins", "encode", "prior"):
            _stage(folder, stage, name)
    failed = [name for name in list(params["systems"]) if not _system(folder, params, name, end)]
    for name in failed:
        params["systems"].pop(name)
    write_params(folder, params)
    _stage(folder, "report")
    for name in failed:
        print(f"compare: {name} failed, see above", file=sys.stderr)
    return int(bool(failed))


def _system(folder: Path, params: dict[str, Any], name: str, end: float | None) -> bool:
    if end is not None:
        names = list(params["systems"])
        share = (end - time.monotonic()) / (len(names) - names.index(name))
        params["systems"][name]["steps"] = steps_that_fit(folder, name, share)
        write_params(folder, params)
    try:
        if not _is_trained(folder, params, name):
            _stage(folder, "train", name)
        _stage(folder, "evaluate", name)
    except HuescapeError:
        return False
    return True


def _is_trained(folder: Path, params: dict[str, Any], name: str) -> bool:
    try:
        text = (folder / "models" / name / "system.json").read_text(encoding="utf-8")
    except OSError:
        return False
    entry = params["systems"][name]
    known = json.loads(text)["params"]
    return bool(known["steps"] == entry.get("steps") and known["preset"] == entry["preset"])


def _stage(folder: Path, stage: str, *names: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder.resolve() / "src")}
    environment.setdefault("HUESCAPE_TRACKING", "off")
    _call([sys.executable, "-m", "huescape", stage, *names], folder, environment)


def _call(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode == 130:
        raise KeyboardInterrupt
    if done.returncode:
        raise HuescapeError(f"{' '.join(command[2:])}: exit code {done.returncode}")
