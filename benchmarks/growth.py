"""What a photo costs by stage as there are more of them: a model, tried on a size held back.

Small photos are on the disk before anything is measured, as a data set's are; every stage runs
under DVC in a scratch project. The seconds of processors of the stage and of DVC, which others on
the machine hardly change, are fitted by a + b n over all sizes but the largest, and predicted there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.many_photos import linked, write_many
from benchmarks.scratch import Folder
from benchmarks.stage_cost import EVERY, Figures, laid_out, run_stage
from huescape.base import runtime
from huescape.engines.graph import load_graph

SIZES = 1_000, 4_000, 16_000, 64_000
LARGE_SIZES = 300, 1_200  # photos of 256 pixels
QUICK = (60, 90, 120), (40, 60)
Run = Mapping[str, Figures]


def changes(root: Path, side: int) -> dict[str, Any]:
    """The parameters of one run: photos of `side` pixels, a short training of the small network."""
    return {
        "download.sources": [{"kind": "folder", "root": str(root)}],
        "resize": {"size": side, "shards": 8},
        "systems.colorunet.network": {"width": 4},
        "systems.colorunet.augmentation.crop": 32,
        "systems.colorunet.steps": 20,
        "systems.colorunet.batch": 8,
        "systems.colorunet.checkpoint_every": 20,
        "released": {},
    }


def measured(project: Folder, paths: Sequence[Path], side: int) -> dict[str, Figures]:
    """Run every stage on these photos, from nothing; what they made is removed afterwards."""
    root = linked(project.root.parent / f"photos-{len(paths)}-{side}", paths)
    project.set(changes(root, side))
    run = {}
    for name in load_graph(project.root).stages:
        run[name] = run_stage(project, name)
        line = f"{len(paths):>7,} photos of {side}  {name:18} {run[name]}"
        print(line, file=sys.stderr, flush=True)
    for made in ("data", "models", "reports", ".dvc/cache", ".dvc/tmp", ".huescape", "dvc.lock"):
        path = project.root / made
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(root)
    return run
