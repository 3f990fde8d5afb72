"""A batch that does not fit into the memory is one line, on a CPU too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from huescape.params.systems import SystemParams

# Trains in a process that may take 400 MB more than it has.
PROGRAM = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from huescape.base.errors import HuescapeError
from huescape.params.systems import SystemParams
from huescape.shards import ShardSet
from huescape.systems.system import build_system
from huescape.training.run import train
params, folder = SystemParams.model_validate_json(sys.argv[1]), Path(sys.argv[2])
shards = ShardSet.open(folder / "shards")
system = build_system(params, shards.meta, np.load(folder / "bins.npz")["centers"], np.ones(4))
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + 400_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    train(system, shards, np.ones(4), device=torch.device("cpu"), checkpoint_dir=Path("checks"))
except HuescapeError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory to set here")
def test_a_batch_too_large_for_the_memory_is_one_line(
    targets: Path, tmp_path: Path, make_params: Callable[..., SystemParams]
) -> None:
    params = make_params(batch=16384).model_dump_json()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, params, str(targets)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = "out of memory with batch 16384 of crops of 16; lower systems.<name>.batch\n"
    assert done.stdout == expected, done.stderr
