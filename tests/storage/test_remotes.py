"""DVC's remote on S3: what is pushed comes back, in whole or in part, and what DVC says if not."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.s3_server import S3, s3_server
from tests.engines.conftest import Workspace, made_by_dvc, project

__all__ = ["made_by_dvc", "project"]  # fixtures
pytestmark = pytest.mark.long


@pytest.fixture(params=["rclone", "moto"])
def s3(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[S3]:
    with s3_server(tmp_path / "s3", "team", kind=request.param) as server:
        yield server


@pytest.fixture
def rclone(tmp_path: Path) -> Iterator[S3]:
    with s3_server(tmp_path / "s3", "team") as server:
        yield server


def pushed(project: Workspace, s3: S3) -> None:
    """Commit the project with a remote, as docs/storage.md has it, and push it."""
    project.environment.update(s3.environment)
    project.run("dvc", "remote", "add", "-d", "store", "s3://team/huescape")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "results")
    project.run("dvc", "push")


def clone_of(project: Workspace, folder: Path) -> Workspace:
    project.run("git", "clone", "-q", str(project.root), str(folder))
    return Workspace(folder, {**project.environment, "PYTHONPATH": str(folder / "src")})


def objects(s3: S3) -> set[str]:
    """The keys of the objects that hold content, without the bucket's folder for them."""
    listed = s3.client.list_objects_v2(Bucket="team").get("Contents", [])
    return {item["Key"].removeprefix("huescape/files/md5/").replace("/", "") for item in listed}


def cached(root: Path) -> set[str]:
    """The names of what a cache holds, each that of its content: damage fails the test."""
    names = set()
    for path in (root / "files/md5").glob("??/*"):
        names.add(name := path.parent.name + path.name)
        content = hashlib.md5(path.read_bytes()).hexdigest()
        assert name.removesuffix(".dir") == content, f"{path} is damaged"
    return names


def test_what_is_pushed_comes_back_in_part_and_in_whole(
    project: Any, s3: S3, tmp_path: Path
) -> None:
    pushed(project, s3)
    clone = clone_of(project, tmp_path / "clone")
    clone.run("dvc", "pull", "models/colorunet")
    files = {path.name for path in (clone.root / "models/colorunet").iterdir()}
    assert files == {"weights.safetensors", "system.json", "history.csv", "SHA256SUMS"}
    assert not (clone.root / "data").exists()
    assert len(cached(clone.root / ".dvc/cache")) == len(files) + 1, "and the list of them"
    clone.run("dvc", "pull")
    assert clone.outputs() == project.outputs()
    clone.run("dvc", "status")
    assert "up to date" in clone.output


def test_garbage_collection_keeps_what_commits_name(project: Any, rclone: S3) -> None:
    pushed(project, rclone)
    first = objects(rclone)
    project.set("report.title", "Other")
    project.engine("dvc", "report")
    project.run("git", "commit", "-q", "-a", "-m", "other title")
    project.run("dvc", "push")
    assert objects(rclone) > first
    project.run("dvc", "gc", "--all-commits", "--cloud", "--force")
    assert objects(rclone) > first
    project.run("dvc", "gc", "--workspace", "--cloud", "--force")
    assert not first <= objects(rclone), "the page of the first commit is gone"
    project.run("dvc", "status", "--cloud")
    assert "in sync" in project.output


def test_what_dvc_says_where_it_cannot(project: Any, rclone: S3) -> None:
    """Quoted in docs/storage.md. Nothing of it leaves anything half-done."""
    pushed(project, rclone)
    shutil.rmtree(project.root / ".dvc/cache")
    assert project.run("dvc", "pull", check=False, AWS_ACCESS_KEY_ID="somebody-else-altogether")
    assert "failed to connect to s3 (team/huescape" in project.output
    assert "Forbidden" in project.output
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(project.root)}
    assert project.run("dvc", "pull", check=False, **nobody)
    assert "Unable to locate credentials" in project.output
    project.run("dvc", "remote", "add", "nowhere", "s3://nowhere/huescape")
    assert project.run("dvc", "pull", "-r", "nowhere", check=False)
    assert "The specified bucket does not exist" in project.output
    project.run("dvc", "pull")
    project.run("dvc", "status")
    assert "up to date" in project.output
