"""The tiny project that is killed: what episodes start from, and what an undisturbed run leaves."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scratch import ONE_QUANTIZER, Folder, copy_project, scratch_project

ENGINES: dict[str, tuple[str, ...]] = {
    "dvc": ("dvc", "repro"),
    "snakemake": ("snakemake", "--cores", "2"),
}
OUTPUTS = ("data", "models", "reports")
#: The steps whose losses a training of this project records, however often it is interrupted.
RECORDED_STEPS = frozenset({5, 10, 15, 20})

# Photos on disk, so that their hashes are cached.
PARAMS: dict[str, Any] = {
    "download.sources": [{"kind": "folder", "name": "photos", "root": "photos"}],
    "filter.split": {"val": 0.15, "test": 0.25, "honor_lists": True},
    "resize": {"size": 48, "shards": 3},
    **ONE_QUANTIZER,
    "systems.colorunet.network": {"width": 4},
    "systems.colorunet.augmentation.crop": 32,
    "systems.colorunet.steps": max(RECORDED_STEPS),
    "systems.colorunet.batch": 4,
    "systems.colorunet.checkpoint_every": min(RECORDED_STEPS),
    "evaluate.macro_pixels": 10,
    "evaluate.macro_photos": 1,
    "evaluate.pictures": 2,
}
PHOTOS = 40


@dataclass(frozen=True)
class Starts:
    """Trees of one project: `trees` by how far they are, and what the finished one holds."""

    trees: Mapping[str, Path]
    environment: Mapping[str, str]
    lock: bytes
    files: Mapping[str, str]
    entries: frozenset[str]

    def copy(self, name: str, root: Path) -> Folder:
        """The tree called `name` in another folder."""
        copy_project(self.trees[name], root)
        return Folder(root, {**self.environment, "PYTHONPATH": str(root / "src")})


def make_starts(root: Path, *, replaced: bool) -> Starts:
    """Lay the project and run it, undisturbed, in parts; a copy of the tree after each.

    `nothing` has no output yet, `photos` is filtered, `shards` has all that a training needs, and
    `done` is the reference. With `replaced` there is `old` as well: finished with other
    parameters, so that every stage from `resize` on has old outputs to replace.
    """
    folder = scratch_project(root / "nothing", PARAMS)
    _write_photos(root / "nothing" / "photos", folder)
    _write_store(root / "nothing", folder)
    trees = {"nothing": folder.root}
    for before, name, target in (
        ("nothing", "photos", ("filter",)),
        ("photos", "shards", ("prior",)),
        ("shards", "done", ()),
    ):
        trees[name] = _further(folder, root / before, root / name, target)
    if replaced:
        trees["old"] = _further(folder, root / "nothing", root / "old", (), OLD)
        shutil.copyfile(root / "nothing/params.yaml", root / "old/params.yaml")
    done = trees["done"]
    return Starts(
        trees,
        folder.environment,
        (done / "dvc.lock").read_bytes(),
        digests(done),
        frozenset(path.name for path in done.iterdir()),
    )


OLD = {"resize.size": 40, "systems.colorunet.seed": 1}


def digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file below the outputs, by its path; DVC's own .gitignore files left out."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for top in OUTPUTS
        for path in sorted((root / top).rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }


def _further(
    folder: Folder, before: Path, after: Path, target: tuple[str, ...], changes: Any = None
) -> Path:
    copy_project(before, after)
    copy = Folder(after, {**folder.environment, "PYTHONPATH": str(after / "src")})
    copy.set(changes or {})
    copy.run(*ENGINES["dvc"], *target)
    return after


def _write_photos(root: Path, folder: Folder) -> None:
    code = (
        "import sys; from pathlib import Path; from huescape.landscapes.write import *\n"
        f"write_sample(Path(sys.argv[1]), {PHOTOS}, seed=3)"
    )
    folder.run("python", "-c", code, str(root))


def _write_store(root: Path, folder: Folder) -> None:
    """MLflow's tables, which take longer to make than all else: a store that has no run yet."""
    environment = {k: v for k, v in folder.environment.items() if k != "HUESCAPE_TRACKING"}
    environment["MLFLOW_EXPERIMENT_NAME"] = "unused"
    code = "from huescape.tracking import store; store.connect(None)"
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (root / "mlruns").mkdir(exist_ok=True)
