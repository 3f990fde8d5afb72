"""What DVC said is remembered only while nothing that it looked at has changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from huescape.base.errors import HuescapeError
from huescape.engines import graph, judgement
from huescape.engines.judgement import RECORD, judged

PIPELINE = """\
stages:
  first:
    cmd: cp source/a.txt first.txt
    deps: [source]
    params: [key]
    outs: [first.txt]
    meta: {memory: 7, track: [first.txt]}
  second:
    cmd: cp first.txt second.txt
    deps: [first.txt]
    outs: [second.txt]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "project"
    (root / "source").mkdir(parents=True)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n    no_scm = true\n")
    (root / ".dvcignore").write_text("__pycache__\n*.log\n")
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "params.yaml").write_text("key: 1\nother: 1\n")
    (root / "source/a.txt").write_text("a\n")
    subprocess.run(["dvc", "repro", "-q"], cwd=root, check=True)
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Up to date, and made long ago."""
    later = SimpleNamespace(time_ns=lambda: time.time_ns() + 60 * 10**9)
    monkeypatch.setattr(judgement, "time", later)
    return Path(shutil.copytree(made, tmp_path / "project"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Filled with the folders about which DVC was asked."""
    folders: list[Path] = []

    def judge(root: Path) -> graph.Judgement:
        folders.append(root)
        return ask(root)

    ask = graph.judge
    monkeypatch.setattr(graph, "judge", judge)
    return folders


def test_the_second_time_nobody_is_asked(project: Path, asked: list[Path]) -> None:
    first = judged(project)
    assert first == (graph.load_graph(project), frozenset())
    assert first[0].stages["first"].memory_mb == 7
    assert judged(project) == judged(project) == first
    assert len(asked) == 1


def _cached(root: Path) -> Path:
    return next(path for path in (root / ".dvc/cache/files/md5").rglob("*") if path.is_file())


def _same_size_and_time(root: Path) -> None:
    path = root / "source/a.txt"
    status = path.stat()
    path.write_text("b\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _replaced(root: Path) -> None:
    (root / "params.yaml").write_text("key: 2\nother: 1\n")


def _linked(root: Path) -> None:
    (root / "source").rename(root.parent / "elsewhere")
    (root / "source").symlink_to(root.parent / "elsewhere")


CHANGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "a parameter": (_replaced, {"first"}),
    "an input": (lambda root: (root / "source/a.txt").write_text("longer\n"), {"first"}),
    "an input more": (lambda root: (root / "source/b.txt").touch(), {"first"}),
    "an input less": (lambda root: (root / "source/a.txt").unlink(), {"first"}),
    "an output": (lambda root: (root / "first.txt").unlink(), {"first", "second"}),
    "the cache": (lambda root: _cached(root).unlink(), set()),
    "a command": (
        lambda root: (root / "dvc.yaml").write_text(PIPELINE.replace("cp first", "cp -p first")),
        {"second"},
    ),
    "the lock": (lambda root: (root / "dvc.lock").unlink(), {"first", "second"}),
    "the same size and time": (_same_size_and_time, set()),
    "another parameter": (
        lambda root: (root / "params.yaml").write_text("key: 1\nother: 2\n"),
        set(),
    ),
    "the settings": (lambda root: (root / ".dvc/config.local").write_text("[core]\n"), set()),
    "what is ignored": (lambda root: (root / ".dvcignore").write_text("source\n"), set()),
    "a link": (_linked, set()),
    "a record that is damaged": (lambda root: (root / RECORD).write_text("{"), set()),
    "a record of another kind": (lambda root: (root / RECORD).write_text('{"digest": 1}'), set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_dvc_is_asked(project: Path, asked: list[Path], change: str) -> None:
    apply, least = CHANGES[change]
    judged(project)
    apply(project)
    _, stale = judged(project)
    assert len(asked) == 2
    assert least <= stale
    assert stale == graph.judge(project).stale


def test_what_lies_behind_a_link_is_looked_at(project: Path, asked: list[Path]) -> None:
    _linked(project)
    assert judged(project)[1] == frozenset()
    (project.parent / "elsewhere/a.txt").write_text("longer\n")
    assert judged(project)[1] == {"first"}
    assert len(asked) == 2


def test_what_dvc_ignores_changes_nothing(project: Path, asked: list[Path]) -> None:
    judged(project)
    (project / "source/__pycache__").mkdir()
    (project / "source/__pycache__/a.pyc").touch()
    (project / ".dvc/tmp/anything").touch()
    assert judged(project)[1] == frozenset()
    assert len(asked) == 1


def test_what_is_stale_is_not_remembered(project: Path, asked: list[Path]) -> None:
    _replaced(project)
    assert judged(project)[1] == judged(project)[1] == {"first"}
    assert len(asked) == 2
    assert not (project / RECORD).exists()


def test_a_file_that_is_young_is_not_trusted(made: Path, tmp_path: Path, asked: list[Path]) -> None:
    """It may change once more without a new time."""
    project = Path(shutil.copytree(made, tmp_path / "project"))
    judged(project)
    judged(project)
    assert len(asked) == 2


def test_inputs_elsewhere_are_not_remembered(project: Path, asked: list[Path]) -> None:
    outside = project.parent / "outside.txt"
    outside.write_text("a\n")
    text = PIPELINE.replace("deps: [source]", f"deps: [source, {outside}]")
    (project / "dvc.yaml").write_text(text)
    subprocess.run(["dvc", "repro", "-q"], cwd=project, check=True)
    assert judged(project)[1] == judged(project)[1] == frozenset()
    assert len(asked) == 2


def test_a_refusal_is_one_line_every_time(project: Path) -> None:
    judged(project)
    (project / "dvc.yaml").write_text("stages: 3\n")
    for _ in range(2):
        with pytest.raises(HuescapeError, match="dvc") as caught:
            judged(project)
        assert "\n" not in str(caught.value)


def test_the_record_is_small_and_names_no_photo(project: Path) -> None:
    judged(project)
    record = json.loads((project / RECORD).read_text())
    assert sorted(record) == ["digest", "elsewhere", "stages"]


def test_a_file_that_goes_while_dvc_judges_is_not_overlooked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time goes with it, so that nothing of it looks recent afterwards."""
    ask = graph.judge

    def judge(root: Path) -> graph.Judgement:
        found = ask(root)
        (project / "first.txt").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(graph, "judge", judge)
    assert judged(project)[1] == frozenset()
    monkeypatch.setattr(graph, "judge", ask)
    assert "first" in judged(project)[1]


def test_without_dvc_it_is_asked_and_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(project)

    def gone(name: str) -> str:
        raise judgement.PackageNotFoundError(name)

    monkeypatch.setattr(judgement, "version", gone)
    assert judged(project)[1] == frozenset()  # DVC itself is there, and is asked
