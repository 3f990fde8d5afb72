"""A small project in a folder of its own, on which the real engines run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from benchmarks.scratch import SMALL

ROOT = Path(__file__).parents[2]
ENGINES = ("dvc", "snakemake")


@dataclass
class Workspace:
    """A folder with the project in it; what the engines print and run is kept."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def run(self, *command: str, check: bool = True, **variables: str) -> int:
        """Run a command in the folder, as a user in the activated environment would."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.output = done.stdout
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
        return done.returncode

    def engine(self, name: str, *more: str, check: bool = True) -> list[str]:
        """Bring everything up to date; the stages that ran, in order."""
        self.run(*ENGINE_COMMANDS[name], *more, check=check)
        return self.ran()

    def ran(self) -> list[str]:
        """The stages that the last command ran, once each: `prior@yuv32`, …"""
        names = re.findall(r"^[>$] python -m huescape (\w+)(?: (\w+))?", self.output, re.MULTILINE)
        return list(dict.fromkeys(f"{stage}@{key}" if key else stage for stage, key in names))

    def set(self, dotted: str, value: Any) -> None:
        """Edit params.yaml; `...` removes the key."""
        path = self.root / "params.yaml"
        yaml = YAML(typ="safe", pure=True)
        params = yaml.load(path.read_text())
        *parents, last = dotted.split(".")
        at = params
        for key in parents:
            at = at[int(key)] if isinstance(at, list) else at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value
        with path.open("w") as stream:
            yaml.dump(params, stream)

    def lock(self) -> bytes:
        """The bytes of dvc.lock."""
        return (self.root / "dvc.lock").read_bytes()

    def outputs(self) -> dict[str, bytes]:
        """Every file under data/, models/ and reports/, except what git ignores for DVC."""
        files = {}
        for folder in ("data", "models", "reports"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and path.name != ".gitignore":
                    files[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return files

    def copy(self, root: Path) -> Workspace:
        """The same project in another folder."""
        shutil.copytree(self.root, root, symlinks=True)
        return Workspace(root, {**self.environment, "PYTHONPATH": str(root / "src")})


ENGINE_COMMANDS = {
    "dvc": ("dvc", "repro"),
    "snakemake": ("snakemake", "--cores", "2"),
}


def make_workspace(root: Path) -> Workspace:
    """Lay the project's files into `root`, with small parameters, as a git repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    keep = re.compile(
        r"(src|workflow|\.dvc)/|"
        r"(params\.yaml|dvc\.yaml|environment\.yml|\.dvcignore|\.git(ignore|attributes))$"
    )
    for name in filter(keep.match, listed):
        source = ROOT / name
        if source.is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / name)
    # What Numba compiled already: anew, in each of a hundred copies, it takes ten seconds.
    for compiled in (ROOT / "src").rglob("*.nb[ic]"):
        (root / compiled.relative_to(ROOT)).parent.mkdir(exist_ok=True)
        shutil.copy2(compiled, root / compiled.relative_to(ROOT))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HUESCAPE_", "MLFLOW"))}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root / "src"),
        "HUESCAPE_TRACKING": "off",
        "HUESCAPE_DEVICE": "cpu",
        "HUESCAPE_THREADS": "1",  # two threads wait for each other where tests share the cores
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    workspace = Workspace(root, environment)
    workspace.run("git", "init", "-q")
    workspace.run("git", "config", "user.email", "test@localhost")
    workspace.run("git", "config", "user.name", "test")
    for dotted, value in SMALL.items():
        workspace.set(dotted, value)
    workspace.run("git", "add", "-A")
    workspace.run("git", "commit", "-q", "-m", "small project")
    return workspace


@pytest.fixture(scope="session")
def made_by_dvc(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small project, brought up to date by DVC; copy it, do not change it."""
    workspace = make_workspace(tmp_path_factory.mktemp("dvc") / "project")
    workspace.engine("dvc")
    return workspace


@pytest.fixture(scope="session")
def made_by_snakemake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small project, brought up to date by Snakemake; copy it, do not change it."""
    workspace = make_workspace(tmp_path_factory.mktemp("snakemake") / "project")
    workspace.engine("snakemake")
    return workspace


@pytest.fixture
def project(made_by_dvc: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the small project, up to date, to change at will."""
    return made_by_dvc.copy(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Workspace:
    """The small project without any result."""
    return make_workspace(tmp_path / "fresh")
