"""dvc.lock: what counts as cut short, and what is put back."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest

from huescape.base.errors import HuescapeError
from huescape.engines import lockfile

STAGES: dict[str, Any] = {
    "download": {
        "cmd": "python -m huescape download",
        "deps": [{"path": "src/a.py", "hash": "md5", "md5": "0" * 32, "size": 120}],
        "params": {"params.yaml": {"download": {"sources": [{"kind": "sample", "seed": 0}]}}},
        "outs": [
            {"path": "data/raw", "hash": "md5", "md5": f"{'1' * 32}.dir", "nfiles": 2},
            {"path": "a", "hash": "md5", "md5": "2" * 32, "size": 3, "isexec": True},
        ],
    },
    "train@a": {"cmd": "python -m huescape train a", "outs": [{"path": "models/a"}]},
    "train@b": {"cmd": "python -m huescape train b"},
}


def _dumped(stages: dict[str, Any]) -> bytes:
    from dvc.utils.serialize import dumps_yaml

    return str(dumps_yaml({"schema": "2.0", "stages": stages})).encode()


WHOLE = _dumped(STAGES)
OLDER = _dumped({name: STAGES[name] for name in ("download", "train@a")})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / lockfile.TEMPORARY).mkdir(parents=True)
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / lockfile.LOCK).write_bytes(WHOLE)
    assert lockfile.mend(tmp_path) == []
    return tmp_path


def test_what_passes_for_whole_dvc_reads() -> None:
    """Wherever a kill cuts the file: what is left is mended, or DVC can go on with it."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import parse_yaml

    for length in range(len(WHOLE)):
        cut = WHOLE[:length]
        if lockfile.is_whole(cut):
            COMPILED_LOCKFILE_SCHEMA(parse_yaml(cut.decode(), "dvc.lock"))


def test_most_cuts_are_recognized() -> None:
    """All but those that end between two entries, which lack a stage and no more."""
    passing = [length for length in range(len(WHOLE)) if lockfile.is_whole(WHOLE[:length])]
    assert lockfile.is_whole(WHOLE)
    assert 0 not in passing
    assert [length for length in passing if not WHOLE[:length].endswith(b"\n")] == []
    named = [WHOLE.index(b"hash: md5\n", start) + 10 for start in (0, WHOLE.index(b"outs:"))]
    assert set(named) & set(passing) == set()  # between the name of a digest and the digest


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\0" * 512, b"\xff\xfe", b"[" * 3000, b"schema: '2.0'\nstages:\n  a:\n"),
        *(b"schema: '1.0'\nstages: {}\n", b"schema: '2.0'\nstages: []\n", b"- a\n"),
        b"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    params: {p.yaml: 1}\n",
        b"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    deps:\n    - path: b\n      md5: abc\n",
        b"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs: [c]\n",
        b"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    deps:\n    - path: b\n      hash:\n",
    ],
)
def test_a_broken_file_is_put_back(root: Path, content: bytes) -> None:
    (root / lockfile.LOCK).write_bytes(content)
    (line,) = lockfile.mend(root)
    assert "dvc.lock was cut short" in line
    assert "its copy of the last run" in line
    assert (root / lockfile.LOCK).read_bytes() == WHOLE
    assert not content or (root / lockfile.BROKEN).read_bytes() == content
    assert lockfile.mend(root) == []


def test_what_is_whole_stays_and_is_what_comes_back(root: Path) -> None:
    (root / lockfile.LOCK).write_bytes(OLDER)
    assert lockfile.mend(root) == []
    assert (root / lockfile.LOCK).read_bytes() == OLDER
    (root / lockfile.LOCK).write_bytes(b"")
    lockfile.mend(root)
    assert (root / lockfile.LOCK).read_bytes() == OLDER


def test_a_disk_that_refuses_leaves_the_broken_file(root: Path) -> None:
    """One that is not there counts as removed by its owner: nothing would be put back any more."""
    (root / lockfile.LOCK).write_bytes(WHOLE[:40])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(WHOLE) - 1, before[1]))
    try:
        assert lockfile.mend(root) == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (root / lockfile.LOCK).read_bytes() == WHOLE[:40]
    (line,) = lockfile.mend(root)
    assert "its copy of the last run" in line
    assert (root / lockfile.LOCK).read_bytes() == WHOLE


def test_a_file_in_the_place_of_dvcs_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / lockfile.TEMPORARY).touch()
    assert lockfile.mend(tmp_path) == []
    (tmp_path / "dvc.yaml").touch()
    with pytest.raises(HuescapeError, match=r"cannot write .*huescape\.lock: "):
        lockfile.repair(tmp_path)


def test_a_removed_file_stays_removed(root: Path) -> None:
    (root / lockfile.LOCK).unlink()
    assert lockfile.mend(root) == []
    assert not (root / lockfile.LOCK).exists()


def test_without_a_copy_the_last_commit_serves(root: Path) -> None:
    def git(*words: str) -> None:
        names = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        subprocess.run(["git", *names, *words], cwd=root, check=True, capture_output=True)

    git("init", "-q")
    git("add", str(lockfile.LOCK))
    git("commit", "-q", "-m", "lock")
    (root / lockfile.KEPT).write_bytes(WHOLE[:40])  # a copy that is damaged is none
    (root / lockfile.LOCK).write_bytes(b"")
    (line,) = lockfile.mend(root)
    assert "the last commit" in line
    assert (root / lockfile.LOCK).read_bytes() == WHOLE


def test_without_any_whole_version_the_file_goes_aside(root: Path) -> None:
    (root / lockfile.KEPT).unlink()
    (root / lockfile.LOCK).write_bytes(WHOLE[:40])
    (line,) = lockfile.repair(root)
    assert "no whole version" in line
    assert str(lockfile.BROKEN) in line
    assert not (root / lockfile.LOCK).exists()
    assert (root / lockfile.BROKEN).read_bytes() == WHOLE[:40]


def test_git_conflicts_are_left_to_a_person(root: Path) -> None:
    marked = b"schema: '2.0'\n<<<<<<< HEAD\nstages: {}\n=======\n>>>>>>> other\n"
    (root / lockfile.LOCK).write_bytes(marked)
    assert lockfile.mend(root) == []
    assert not lockfile.is_cut(root)
    with pytest.raises(HuescapeError, match="git checkout --ours"):
        lockfile.repair(root)
    assert (root / lockfile.LOCK).read_bytes() == marked


def test_what_is_no_file_is_not_called_whole(root: Path) -> None:
    (root / "dvc.lock").unlink(missing_ok=True)
    (root / "dvc.lock").mkdir()
    with pytest.raises(HuescapeError, match=r"^dvc.lock: cannot be read"):
        lockfile.repair(root)


def test_nobody_is_disturbed_at_work(root: Path) -> None:
    """A process that holds the project's lock looks itself."""
    (root / lockfile.LOCK).write_bytes(b"")
    with (root / lockfile.TEMPORARY / "huescape.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert lockfile.mend(root) == []
    assert (root / lockfile.LOCK).read_bytes() == b""


PROCESS = {"pid": 7, "cmd": "dvc repro"}
LISTS: list[Any] = [
    *(
        {},
        {"write": {}, "read": {}},
        {"write": {"a": PROCESS}},
        {"read": {"a": [PROCESS, PROCESS]}},
    ),
    *(
        [],
        3,
        None,
        {"x": {}},
        {"write": []},
        {"read": 3},
        {"write": {"a": {}}},
        {"write": {"a": 1}},
    ),
    *({"read": {"a": PROCESS}}, {"read": {"a": [1]}}, {"read": {"a": None}}, {"read": {"a": []}}),
    *({"write": {"a": {**PROCESS, "x": 1}}}, {"write": {"a": {**PROCESS, "pid": "7"}}}),
    *({"write": {"a": {**PROCESS, "cmd": None}}}, {"write": {"a": [PROCESS]}}),
]


@pytest.mark.parametrize(
    "content",
    [
        *(json.dumps(found).encode() for found in LISTS),
        *(b"", b'{"write": {"a', b"\xff", b"\xff\x00garbage", b"\0" * 512, b"[" * 100_000),
        *(json.dumps({}).encode(coding) for coding in ("utf-16", "utf-32", "utf-8-sig")),
        json.dumps({"write": {"a": PROCESS}}).encode()[:-1],
    ],
)
def test_dvcs_list_of_processes_is_begun_anew_where_dvc_cannot_read_it(
    root: Path, content: bytes
) -> None:
    path = root / lockfile.TEMPORARY / "rwlock"
    path.write_bytes(content)
    readable = dvc_reads(path)
    said = lockfile.mend(root)
    assert path.exists() == readable
    assert [".dvc/tmp/rwlock was damaged" in line for line in said] == [True] * (not readable)


def dvc_reads(path: Path) -> bool:
    """Whether DVC itself goes on with its list of processes."""
    from dvc.fs import localfs
    from dvc.rwlock import rwlock

    content = path.read_bytes()
    try:
        with rwlock(str(path.parent), localfs, "test", [], [], False):
            return True
    except Exception:
        return False
    finally:
        path.write_bytes(content)


def test_outside_a_project_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / lockfile.LOCK).write_bytes(b"")
    assert lockfile.mend(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["dvc.lock"]


def test_what_was_mended_unseen_is_told_once(root: Path) -> None:
    lockfile.leave_notice(root, ["one", "two"])
    assert lockfile.mend(root) == ["one", "two"]
    assert lockfile.mend(root) == []


def test_repair_makes_no_project_of_another_folder(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"dvc\.yaml: no such file"):
        lockfile.repair(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_git_nothing_is_removed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last commit may have it whole."""
    (root / ".git").mkdir()
    (root / lockfile.KEPT).unlink(missing_ok=True)
    (root / lockfile.LOCK).write_bytes(b"schema: '2.0'\nstages:\n  a:\n    cmd: py")
    monkeypatch.setenv("PATH", str(root / "nowhere"))
    with pytest.raises(HuescapeError, match=r"git cannot be asked .*git checkout dvc\.lock"):
        lockfile.repair(root)
    assert (root / lockfile.LOCK).exists()


def test_a_link_stays_a_link(root: Path, tmp_path: Path) -> None:
    """DVC follows it, and so does what puts dvc.lock back."""
    elsewhere = tmp_path / "elsewhere.lock"
    (root / lockfile.LOCK).rename(elsewhere)
    (root / lockfile.LOCK).symlink_to(elsewhere)
    elsewhere.write_bytes(WHOLE[:100])
    assert "put back" in lockfile.repair(root)[0]
    assert (root / lockfile.LOCK).is_symlink()
    assert elsewhere.read_bytes() == WHOLE


def test_a_pipe_in_the_place_of_the_lock_is_one_line(root: Path) -> None:
    path = root / lockfile.TEMPORARY / "huescape.lock"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(HuescapeError, match=r"huescape\.lock: is a pipe or device"):
        lockfile.repair(root)
