"""Kernels compile where nothing can be written, and never with liberties in their arithmetic."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src/huescape"


def test_without_a_folder_to_keep_the_code_every_process_compiles(tmp_path: Path) -> None:
    """A read-only installation in a container whose user has no home."""
    source = tmp_path / "read_only"
    shutil.copytree(PACKAGE, source / "huescape", ignore=shutil.ignore_patterns("__pycache__"))
    # Root may write anywhere: files in place of the folders keep it out as well.
    for folder in [source / "huescape", *(source / "huescape").rglob("*/")]:
        (folder / "__pycache__").touch()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    environment |= {"PYTHONPATH": str(source), "HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}
    code = "import numpy as np; from huescape.color.spaces import rgb_to_lab; "
    code += "print(rgb_to_lab(np.full((1, 3), 255, np.uint8))[0, 0])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(100, abs=1e-3)


def test_numba_is_asked_in_one_place() -> None:
    """Another decorator might allow fused operations, and change the bytes of shards."""
    asks = re.compile(r"^\s*(import|from) numba", re.MULTILINE)
    users = [path.name for path in PACKAGE.rglob("*.py") if asks.search(path.read_text())]
    assert users == ["compiled.py"]


def test_a_kernel_uses_no_number_of_another_module() -> None:
    """Numba would keep the old one when that module changes: see `huescape.base.compiled`."""
    for path in PACKAGE.rglob("*_kernels.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("huescape"):
                assert node.module == "huescape.base.compiled", path
