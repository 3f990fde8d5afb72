"""What a person might do by hand when a run fails. None of it should ever be needed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.faults.project import OUTPUTS

Act = Callable[[Path, Mapping[str, str]], object]


def _call(*command: str) -> Act:
    def act(root: Path, environment: Mapping[str, str]) -> None:
        subprocess.run(
            command, cwd=root, env=environment, capture_output=True, check=False, timeout=120
        )

    return act


def _remove(*names: str) -> Act:
    def act(root: Path, environment: Mapping[str, str]) -> None:
        for name in names:
            shutil.rmtree(root / name, ignore_errors=True)
            if (root / name).is_file():
                (root / name).unlink()

    return act


#: By what a person would call it, from the least to the last.
REMEDIES: dict[str, Act] = {
    "the same command again": _remove(),
    "snakemake --unlock": _call("snakemake", "--unlock"),
    "huescape repair": _call("huescape", "repair"),
    "rm dvc.lock": _remove("dvc.lock"),
    "rm -r .dvc/tmp .snakemake": _remove(".dvc/tmp", ".snakemake"),
    "rm -r .huescape": _remove(".huescape"),
    "rm -r data models reports": _remove(*OUTPUTS),
}
