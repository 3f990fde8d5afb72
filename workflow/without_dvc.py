"""The stages of a params.yaml in their order, for a machine without DVC: a GPU lent for an hour.

    python workflow/without_dvc.py experiments/gpu.yaml -o FOLDER --minutes 50 colorunet zhang2016

Needs what the stages themselves need (torch, numpy, numba, pandas, pydantic, ruamel.yaml, the
readers of photos), and neither dvc nor snakemake nor mlflow nor git. FOLDER is new, empty, or from
an earlier call. Nothing here knows what is stale: every
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

from huescape.base.atomic import write_text  # noqa: E402
from huescape.base.errors import HuescapeError  # noqa: E402
from huescape.experiments import recipe  # noqa: E402

# In a folder that belongs to this script.
MARK = ".without_dvc"
# In a folder that is somebody's project, whatever else is there.
FOREIGN = (".git", "pyproject.toml")


class OutOfTimeError(Exception):
    """The time is over; a training that was running has written its checkpoint."""


def main() -> int:
    """Run the stages; 0 if all systems were scored, 1 if not, 2 for wrong parameters.

    130 where it was interrupted.
    """
    options = _options()
    end = time.monotonic() + 60 * options.minutes
    try:
        _refuse_foreign(options.output)
        found = recipe.read_recipe(options.params)
        found = recipe.checked(found, options.systems, options.params, options.output)
        done, wrong = _run(found, options.output, end)
    except HuescapeError as error:
        print(f"without_dvc: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("without_dvc: interrupted", file=sys.stderr)
        return 130
    print(f"without_dvc: scored: {', '.join(done) or 'none'}")
    for name, why in wrong.items():
        print(f"without_dvc: {name}: {why}", file=sys.stderr)
    return int(bool(wrong))


def _refuse_foreign(folder: Path) -> None:
    """Raise HuescapeError for a folder with something in it that no call of this script made."""
    try:
        names = {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise HuescapeError(f"{folder}: {error.strerror}; name a folder") from error
    if (names and MARK not in names) or names.intersection(FOREIGN):
        raise HuescapeError(f"{folder}: is not empty, and no folder of this script; name another")


def _run(found: dict[str, Any], folder: Path, end: float) -> tuple[list[str], dict[str, str]]:
    """The names of the systems that were scored, and of each other one why not."""
    params = folder / "params.yaml"
    write_text(folder / MARK, "")
    write_text(params, recipe.as_text(found))
    systems = {**found["systems"], **found["finetuned"]}  # those first that others start from
    wrong = dict.fromkeys(systems, "the time is over")
    done: list[str] = []
    try:
        for stage in ("check", "download", "filter", "resize"):
            _stage(folder, end, stage)
        for name in found["quantizers"]:
            for stage in ("bins", "encode", "prior"):
                _stage(folder, end, stage, name)
        for name in systems:
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
        left = {**found, "released": {}, "perceived": {}, "probed": {}, "generalized": {}}
        left["systems"] = {name: entry for name, entry in found["systems"].items() if name in done}
        left["finetuned"] = {
            name: entry
            for name, entry in found["finetuned"].items()
            if name in done and entry["initialization"]["from"] in done
        }
        write_text(params, recipe.as_text(left))
        _stage(folder, float("inf"), "report")
    return done, wrong


def _stage(folder: Path, end: float, *words: str) -> None:
    """Run one stage until it ends or the time is over; HuescapeError if it fails.

    Ctrl-C goes to this process alone, which interrupts the stage and waits for its checkpoint.
    """
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    variables = {"HUESCAPE_TRACKING": "off", **os.environ, "PYTHONPATH": path}
    variables["HUESCAPE_ENGINE"] = "without_dvc"  # a stage stops when this process is gone
    if time.monotonic() >= end:
        raise OutOfTimeError
    process = subprocess.Popen(
        [sys.executable, "-m", "huescape", *words], cwd=folder, env=variables, process_group=0
    )
    try:
        code = process.wait(None if end == float("inf") else end - time.monotonic())
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as stop:
        process.send_signal(signal.SIGINT)
        process.wait()
        if isinstance(stop, KeyboardInterrupt):
            raise
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
