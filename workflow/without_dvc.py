"""The stages of a params.yaml in their order, for a machine without DVC: a GPU lent for an hour.

    python workflow/without_dvc.py experiments/gpu.yaml -o FOLDER --minutes 50 colorunet zhang2016

Needs what the stages themselves need (torch, numpy, numba, pydantic, ruamel.yaml, the readers of
photos), and neither dvc nor snakemake nor mlflow nor git. Nothing here knows what is stale: every
stage runs, and only what a stage keeps itself (checkpoints, finished partitions) is taken up again.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1] / "src"
sys.path.insert(0, str(SOURCE))

from huescape.base.errors import HuescapeError  # noqa: E402
from huescape.experiments import recipe  # noqa: E402


class OutOfTimeError(Exception):
    """The time is over; a training that was running has written its checkpoint."""


def main() -> int:
    """Run the stages; 0 if all systems were scored, 1 if not, 2 for wrong parameters."""
    options = _options()
    end = time.monotonic() + 60 * options.minutes
    try:
        found = recipe.read_recipe(options.params)
        found = recipe.checked(found, options.systems, options.params, options.output)
        done, wrong = _run(found, options.output, end)
    except HuescapeError as error:
        print(f"without_dvc: error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"without_dvc: scored: {', '.join(done) or 'none'}")
    for name, why in wrong.items():
        print(f"without_dvc: {name}: {why}", file=sys.stderr)
    return int(bool(wrong))


def _run(found: dict[str, Any], folder: Path, end: float) -> tuple[list[str], dict[str, str]]:
    """The names of the systems that were scored, and of each other one why not."""
    folder.mkdir(parents=True, exist_ok=True)
    params = folder / "params.yaml"
    params.write_text(recipe.as_text(found), encoding="utf-8")
    wrong = dict.fromkeys(found["systems"], "the time is over")
    done: list[str] = []
    try:
        for stage in ("check", "download", "filter", "resize"):
            _stage(folder, end, stage)
        for name in found["quantizers"]:
            for stage in ("bins", "encode", "prior"):
                _stage(folder, end, stage, name)
        for name in found["systems"]:
            try:
                _stage(folder, end, "train", name)
                _stage(folder, end, "evaluate", name)
            except HuescapeError as error:
                wrong[name] = str(error)
                continue
            done.append(name)
            del wrong[name]
    except OutOfTimeError:
        pass
    if done:  # the page of those that are done; it takes seconds
        left = {**found, "systems": {name: found["systems"][name] for name in done}}
        params.write_text(recipe.as_text(left), encoding="utf-8")
        _stage(folder, float("inf"), "report")
    return done, wrong


def _stage(folder: Path, end: float, *words: str) -> None:
    """Run one stage until it ends or the time is over; HuescapeError if it fails."""
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    variables = {"HUESCAPE_TRACKING": "off", **os.environ, "PYTHONPATH": path}
    variables["HUESCAPE_ENGINE"] = "without_dvc"  # a stage stops when this process is gone
    if time.monotonic() >= end:
        raise OutOfTimeError
    process = subprocess.Popen(
        [sys.executable, "-m", "huescape", *words], cwd=folder, env=variables
    )
    try:
        code = process.wait(None if end == float("inf") else end - time.monotonic())
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise OutOfTimeError from None
    if code:
        raise HuescapeError(f"{' '.join(words)} ended with {code}; its message is above")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="without_dvc", description=__doc__)
    parser.add_argument("params", type=Path, help="a params.yaml, or a recipe of experiments/")
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help="in order; default: all")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    options = parser.parse_args()
    if not options.minutes > 0:
        parser.error(f"--minutes is {options.minutes:g}; allowed: above 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
