"""A small project in a folder of its own, on which the real engines run."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from benchmarks.scratch import SMALL, copy_project, scratch_project
from tests.once import made_once

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
            timeout=900,
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
        names = re.findall(r"^[>$] sh workflow/run (\w+)(?: (\w+))?", self.output, re.MULTILINE)
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
        copy_project(self.root, root)
        return Workspace(root, {**self.environment, "PYTHONPATH": str(root / "src")})


ENGINE_COMMANDS = {
    "dvc": ("dvc", "repro"),
    "snakemake": ("snakemake", "--cores", "1"),
}
# From nothing, with pools of processes and jobs side by side. What is made again later is made by
# one process after the other: forty photos are done before a pool has started.
FROM_SCRATCH = {**ENGINE_COMMANDS, "snakemake": ("snakemake", "--cores", "2")}
ALONE = {"HUESCAPE_WORKERS": "1"}


def make_workspace(root: Path) -> Workspace:
    """Lay the project's files into `root`, with small parameters, as a git repository."""
    folder = scratch_project(root, SMALL)
    return Workspace(folder.root, dict(folder.environment))


def _made(folder: Path, engine: str) -> Workspace:
    workspace = make_workspace(folder / "project")
    workspace.run(*FROM_SCRATCH[engine])
    return Workspace(workspace.root, {**workspace.environment, **ALONE}, workspace.output)


@pytest.fixture(scope="session")
def made_by_dvc(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small project, brought up to date by DVC; copy it, do not change it."""
    return made_once(tmp_path_factory, "dvc", lambda folder: _made(folder, "dvc"))


@pytest.fixture(scope="session")
def made_by_snakemake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small project, brought up to date by Snakemake; copy it, do not change it."""
    return made_once(tmp_path_factory, "snakemake", lambda folder: _made(folder, "snakemake"))


@pytest.fixture
def project(made_by_dvc: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the small project, up to date, to change at will."""
    workspace = made_by_dvc.copy(tmp_path / "project")
    yield workspace
    # Where a test killed DVC, a watcher waits for ten minutes, or until this folder is gone.
    shutil.rmtree(workspace.root / ".dvc/tmp", ignore_errors=True)


@pytest.fixture
def fresh(tmp_path: Path) -> Workspace:
    """The small project without any result."""
    return make_workspace(tmp_path / "fresh")
