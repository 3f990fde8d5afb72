"""`snakemake --sdm conda`, by a stub of conda: no channel is asked, all else is Snakemake's own."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

#: Makes an environment that has this one's packages but not the project, and tells of each start.
CONDA = """#!/bin/sh
case "$*" in
  --version) echo "conda 24.11.3" ;;
  "info --json") echo '{{"conda_prefix": "{prefix}", "platform": "linux-64"}}' ;;
  "config --get channel_priority --json") echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
  "clean -y --tarballs") ;;
  "env create"*)
    while [ $# -gt 0 ]; do
      case "$1" in --file) file=$2 ;; --prefix) made=$2 ;; esac
      shift
    done
    # There is no project beside the copy of the file.
    if grep -q -e '- -e ' "$file"; then echo "no setup.py or pyproject.toml here" >&2; exit 1; fi
    site="$made/lib/python{version}/site-packages"
    mkdir -p "$made/bin" "$site"
    ln -s {base} "$made/bin/python"
    cp {cfg} "$made/pyvenv.cfg"
    echo {site} > "$site/stub.pth"
    echo "import sys; print(*sys.orig_argv, file=open('$made/started', 'a'))" >> "$site/stub.pth" ;;
  *) echo "the stub of conda knows no $*" >&2; exit 1 ;;
esac
"""
ACTIVATE = 'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'


def stub(folder: Path) -> Path:
    """A folder for the PATH; `bin/activate` is beside its `conda`, as in a real one."""
    (folder / "bin").mkdir(parents=True)
    text = CONDA.format(
        prefix=folder,
        version=f"{sys.version_info.major}.{sys.version_info.minor}",
        base=Path(sys.executable).resolve(),
        cfg=Path(sys.prefix) / "pyvenv.cfg",
        site=sysconfig.get_path("purelib"),
    )
    (folder / "bin/conda").write_text(text)
    (folder / "bin/conda").chmod(0o755)
    (folder / "bin/activate").write_text(ACTIVATE)
    return folder / "bin"


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the stub copies a virtual environment")
def test_stages_run_in_the_environment_that_snakemake_made(fresh: Any, tmp_path: Path) -> None:
    path = f"{stub(tmp_path / 'conda')}{os.pathsep}{fresh.environment['PATH']}"
    # Not installed there and no longer on the way: the jobs have to find the code by themselves.
    fresh.run("snakemake", "check", "--cores", "1", "--sdm", "conda", PATH=path)
    assert fresh.ran() == ["check"]
    [started] = (fresh.root / ".snakemake/conda").glob("*/started")
    lines = started.read_text().splitlines()
    assert any("-m huescape.engines.job check" in line for line in lines), lines
    assert any(line.endswith("-m huescape check --stage") for line in lines), lines
    started.unlink()
    fresh.run("snakemake", "check", "--cores", "1", "--forcerun", "check", PATH=path)
    assert fresh.ran() == ["check"]
    assert not started.exists(), "without --sdm it is the Python that runs Snakemake"
