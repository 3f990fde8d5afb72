"""A folder with small parameters in which bare stages run, without an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.scratch import SMALLEST
from huescape.base.temporaries import PREFIX

ROOT = Path(__file__).parents[2]
STAGES = (
    *("download", "filter", "resize", "bins lab", "encode lab", "prior lab"),
    *("train colorunet", "evaluate colorunet", "report"),
)
SETTINGS = {
    "HUESCAPE_TRACKING": "off",
    "HUESCAPE_DEVICE": "cpu",
    "HUESCAPE_THREADS": "1",
    "HUESCAPE_WORKERS": "2",
}


def make_project(folder: Path) -> Path:
    """Write params.yaml into `folder`; bare stages need no more."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((ROOT / "params.yaml").read_text())
    for dotted, value in SMALLEST.items():
        *parents, last = dotted.split(".")
        at = params
        for key in parents:
            at = at[int(key)] if isinstance(at, list) else at[key]
        at[last] = value
    with (folder / "params.yaml").open("w") as stream:
        yaml.dump(params, stream)
    return folder


def command(stage: str) -> list[str]:
    """What runs a stage, as in `encode yuv32`, or a tool."""
    return [sys.executable, "-m", "huescape", *stage.split()]


def run(project: Path, stage: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a stage to its end."""
    return subprocess.run(
        command(stage),
        cwd=project,
        env={**os.environ, **SETTINGS, **variables},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def temporaries(project: Path) -> list[str]:
    """Temporary names in a project, wherever they are."""
    found = (Path(at) / name for at, *lists in os.walk(project) for name in chain(*lists))
    return [path.relative_to(project).as_posix() for path in found if path.name.startswith(PREFIX)]


def results(project: Path) -> dict[str, bytes]:
    """Every file of a project but the state, whose files are not to be whole at every moment."""
    files = (path for path in project.rglob("*") if path.is_file())
    named = {path.relative_to(project).as_posix(): path for path in files}
    return {k: path.read_bytes() for k, path in named.items() if not k.startswith(".huescape/")}


def the_error(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a command says why it failed."""
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("huescape: error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0].removeprefix("huescape: error: ")
