"""The project in a folder of its own, for what runs the engines: benchmarks, tests, kills."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huescape.base import machine_code

ROOT = Path(__file__).parents[1]
# The whole graph in seconds; the tests of the engines run it as well.
SMALL: dict[str, Any] = {
    "download.sources": [{"kind": "sample", "photos": 40, "seed": 3}],
    "filter.split": {"val": 0.15, "test": 0.25, "honor_lists": True},
    "resize": {"size": 48, "shards": 2},
    "quantizers.yuv32.bins.n": 12,
    "systems.colorunet.network": {"width": 4},
    "released": {},
    "systems.colorunet.augmentation.crop": 32,
    "systems.colorunet.steps": 6,
    "systems.colorunet.batch": 4,
    "systems.colorunet.checkpoint_every": 3,
    "evaluate.macro_pixels": 10,
    "evaluate.macro_photos": 1,
    "evaluate.pictures": 2,
}
#: One quantizer of few bins in place of both, so that all stages together take seconds.
ONE_QUANTIZER: dict[str, Any] = {
    "released": {},
    "quantizers": {
        "lab": {
            "space": "lab",
            "bins": {"rule": "gamut", "step": 30.0},
            "prior": {"sigma": 0.0, "lambda": 0.5},
            "encode": {"method": "hard", "stride": 1},
        }
    },
    "systems.colorunet.quantizer": "lab",
    "evaluate.prior": "lab",
}
SMALLEST: dict[str, Any] = {
    **{key: value for key, value in SMALL.items() if not key.startswith("quantizers")},
    **ONE_QUANTIZER,
}


@dataclass(frozen=True)
class Folder:
    """A folder and the environment in which commands run there."""

    root: Path
    environment: Mapping[str, str]

    def run(self, *command: str) -> str:
        """What the command says; SystemExit, in one line and its last words, when it fails."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}")
        return done.stdout

    def set(self, changes: Mapping[str, Any]) -> None:
        """Write dotted keys into params.yaml."""
        path, yaml = self.root / "params.yaml", YAML(typ="safe", pure=True)
        params = yaml.load(path.read_text(encoding="utf-8"))
        for dotted, value in changes.items():
            *parents, last = dotted.split(".")
            at = params
            for key in parents:
                at = at[key]
            at[last] = value
        with path.open("w", encoding="utf-8") as stream:
            yaml.dump(params, stream)


def copy_project(tree: Path, root: Path) -> None:
    """Copy a project, also just after DVC ended there: its watcher is removing its own files."""
    passing = shutil.ignore_patterns("huescape-watch*", ".huescape-????????-????????????")
    shutil.copytree(tree, root, symlinks=True, ignore=passing)


def scratch_project(root: Path, changes: Mapping[str, Any], **variables: str) -> Folder:
    """The project's files in a repository of their own, with `changes` to its parameters.

    It runs on the processor, with one thread, without MLflow. SystemExit outside a git checkout.
    """
    folder = Folder(root, environment(PYTHONPATH=str(root / "src"), **variables))
    listed = Folder(ROOT, folder.environment).run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    )
    wanted = ("src/", "workflow/", ".dvc/", "params.yaml", "dvc.yaml", "environment.yml")
    git = (".dvcignore", ".gitignore", ".gitattributes")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and name.startswith((*wanted, *git)):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    machine_code.share(ROOT / "src", root / "src")
    folder.set(changes)
    commit(folder)
    return folder


def environment(**variables: str) -> dict[str, str]:
    """This one, without settings of the project, with this Python first on the path."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HUESCAPE_", "MLFLOW", "DVC"))}
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HUESCAPE_TRACKING": "off",
        "HUESCAPE_DEVICE": "cpu",
        "HUESCAPE_THREADS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return kept | own | variables


def commit(folder: Folder) -> None:
    """Make the folder a git repository of its own, with one commit of all there is."""
    for command in (
        ("init", "-q"),
        ("config", "user.email", "benchmark@localhost"),
        ("config", "user.name", "benchmark"),
        ("add", "-A"),
        ("commit", "-q", "-m", "project"),
    ):
        folder.run("git", *command)
