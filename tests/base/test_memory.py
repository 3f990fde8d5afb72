"""Too little memory is recognized by whatever name it comes, and is one line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.base.memory import explained_by, is_out_of_memory
from huescape.color.bins import gamut_centers
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemOverrides
from huescape.systems.system import build_system, save_system

ROOT = Path(__file__).parents[2]
TOO_MUCH = 1 << 50

# What a process may take is what it has, and a given number of MB.
LIMITED = """
import resource, sys
import cv2, simplejpeg, huescape.coloring.work
from huescape.cli import main
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[1]) * 1_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: bytearray(TOO_MUCH),
        lambda: np.empty(TOO_MUCH, np.uint8),
        lambda: torch.empty(TOO_MUCH, dtype=torch.uint8),
        lambda: torch.zeros(1 << 24, 1).expand(-1, 1 << 24).contiguous(),
    ],
    ids=["python", "numpy", "torch", "torch-copy"],
)
def test_what_libraries_raise_is_recognized(allocate: Callable[[], object]) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011
        allocate()
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError("out of memory error when reading image file"),  # Pillow's decoders
    ],
)
def test_what_needs_another_machine_is_recognized(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        OSError(errno.ENOSPC, "No space left on device"),
        ValueError("out of memory, says a value"),
        KeyError("x"),
    ],
)
def test_other_errors_are_not(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)), explained_by(lambda: HuescapeError("never")):
        raise error


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with parameters, an untrained system, and a small, a huge and a small photo."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    entry = {"preset": "colorunet", "quantizer": "yuv32", "network": {"width": 2}}
    params = resolve_system("colorunet", SystemOverrides.model_validate(entry))
    centers = gamut_centers() / 200.0
    spec = {"name": "yuv32", "space": "yuv", "encode": {}, "bins": len(centers)}
    save_system(
        tmp_path / "models/colorunet",
        build_system(params, spec, centers, np.ones(len(centers))),
        {},
        "step\n",
    )
    for name, side in (("a.png", 32), ("huge.png", 8000), ("z.png", 32)):
        Image.new("L", (side, side), 90).save(tmp_path / name)
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory to set here")
def test_a_photo_too_large_for_the_memory_stops_no_other(project: Path) -> None:
    photos = ("a.png", "huge.png", "z.png")
    done = subprocess.run(
        [
            *(sys.executable, "-c", LIMITED, "300", "colorize", *photos),
            *("-o", "out", "--size", "64", "--system", "colorunet"),
        ],
        cwd=project,
        env={**os.environ, "HUESCAPE_THREADS": "1", "HUESCAPE_DEVICE": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if "huge" in line or "error" in line]
    assert lines[-2].startswith(
        "huge.png: out of memory for 8000 x 8000 pixels at --size 64; lower"
    )
    assert lines[-1] == "huescape: error: 1 of 3 photos could not be colored"
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in (project / "out").glob("*.png")) == ["a.png", "z.png"]
