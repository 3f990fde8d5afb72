"""`snakemake --sdm apptainer`, by a stub: no image is entered, all else is Snakemake's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

#: What would run in the image runs here, with the `python` beside the stub before all others.
APPTAINER = """#!/bin/sh
[ "$1" = --version ] && exec echo "apptainer version 1.3.4"
echo "$@" >> "{folder}/asked"
while [ "$1" != -c ]; do shift; done
PATH="{folder}/image/bin:$PATH" exec bash -c "$2"
"""


def stub(folder: Path) -> str:
    """A PATH that has the stub; its image has this environment's packages, not the project."""
    site = folder / f"image/lib/python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "image/bin").mkdir(parents=True)
    (site / "site-packages").mkdir(parents=True)
    (folder / "image/bin/python").symlink_to(Path(sys.executable).resolve())
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder / "image")
    (site / "site-packages/stub.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "apptainer").write_text(APPTAINER.format(folder=folder))
    (folder / "apptainer").chmod(0o755)
    return f"{folder}{os.pathsep}"


@pytest.mark.long
@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the stub copies a virtual environment")
def test_stages_run_in_the_image(fresh: Any, tmp_path: Path) -> None:
    path = stub(tmp_path / "stub") + fresh.environment["PATH"]
    (tmp_path / "huescape.sif").touch()
    image = {"HUESCAPE_IMAGE": str(tmp_path / "huescape.sif")}
    fresh.run("snakemake", "check", "--cores", "1", "--sdm", "apptainer", PATH=path, **image)
    assert fresh.ran() == ["check"]
    asked = (tmp_path / "stub/asked").read_text()
    assert f"{tmp_path}/huescape.sif bash -c" in asked
    assert "python -m huescape.engines.job check" in asked


def test_without_an_image_it_is_refused(fresh: Any, tmp_path: Path) -> None:
    path = stub(tmp_path / "stub") + fresh.environment["PATH"]
    result = subprocess.run(
        ["snakemake", "check", "--cores", "1", "--sdm", "apptainer"],
        cwd=fresh.root,
        env={**fresh.environment, "PATH": path, "HUESCAPE_IMAGE": ""},
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "environment variable HUESCAPE_IMAGE names no image" in result.stderr + result.stdout
    assert not (tmp_path / "stub/asked").exists()
