"""Partitions: the same bytes by every way, and an interrupted run goes on where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from huescape.base.errors import HuescapeError
from huescape.shards import Column, ShardSet, shard_name, write_index, write_shard
from huescape.shards.partitions import run_partitions

COLUMNS = [Column("rgb", "uint8", (8, 8, 3))]
KEYS = ["a", "b", "c", "d"]
NAMES = [shard_name(k) for k in range(4)]

# The program of the tests that kill it: it makes the shards of this file, slowly, in processes.
PROGRAM = """
import sys, time
from functools import partial
from pathlib import Path
import numpy as np
from huescape.base.pool import advance
from huescape.shards import Column, shard_name, write_index, write_shard
from huescape.shards.partitions import run_partitions

def make(log, seconds, k, folder):
    with open(log, "a") as file:
        file.write(f"{k}\\n")
    def rows():
        rng = np.random.default_rng(k)
        for n in range(10):
            yield f"{k}-{n}", "train", {"rgb": rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)}
            advance()
            time.sleep(seconds * k)
    write_shard(folder, shard_name(k), [Column("rgb", "uint8", (8, 8, 3))], rows(), count=10)

def gather(out):
    names = [shard_name(k) for k in range(4)]
    write_index(out, "photos", [Column("rgb", "uint8", (8, 8, 3))], names, {})

if __name__ == "__main__":
    out, log, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    work = partial(partial, make, log, seconds)
    run_partitions(out, ["a", "b", "c", "d"], work, stage="resize",
                   partition=None, gather=gather, only_gather=False, total=40, desc="test")
"""


class Maker:
    """Makes shard k and remembers that it did."""

    def __init__(self, inputs: list[str] | None = None) -> None:
        self.made: list[int] = []
        self.inputs = inputs

    def __call__(self, k: int, folder: Path) -> None:
        self.made.append(k)
        rng = np.random.default_rng(k)
        rows = [
            (f"{k}-{n}", "train", {"rgb": rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)})
            for n in range(10)
        ]
        extra = {"inputs": self.inputs[k]} if self.inputs else {}
        write_shard(folder, shard_name(k), COLUMNS, rows, lambda: extra)


def gather(out: Path) -> None:
    write_index(out, "photos", COLUMNS, NAMES, {})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUESCAPE_WORKERS", "1")

    def call(make: Callable[[int, Path], None], out: str = "out", **options: object) -> None:
        given = {"stage": "resize", "partition": None, "gather": gather, "only_gather": False}
        given |= options
        keys = given.pop("keys", KEYS)
        work = partial(partial, make)
        run_partitions(Path(out), keys, work, **given)  # type: ignore[arg-type]

    return call


@pytest.fixture
def reference(run: Callable[..., None], tmp_path: Path) -> dict[str, bytes]:
    run(Maker(), out="reference")
    return files(tmp_path / "reference")


def left(tmp_path: Path) -> list[str]:
    return sorted(p.name for p in (tmp_path / ".huescape" / "partial").glob("*/*"))


def test_partition_by_partition_gives_the_same_bytes(
    run: Callable[..., None], reference: dict[str, bytes], tmp_path: Path
) -> None:
    make = Maker()
    for k in (2, 0, 3, 1):
        run(make, partition=k)
    assert not (tmp_path / "out" / "index.json").exists()
    run(make, only_gather=True)
    assert make.made == [2, 0, 3, 1]
    assert files(tmp_path / "out") == reference
    assert left(tmp_path) == []


def test_gather_alone_can_be_repeated(
    run: Callable[..., None], reference: dict[str, bytes], tmp_path: Path
) -> None:
    run(Maker())
    (tmp_path / "out" / "index.json").unlink()
    run(Maker(), only_gather=True)
    assert files(tmp_path / "out") == reference


def test_whole_run_clears_the_folder(
    run: Callable[..., None], reference: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "00009.rgb.npy").write_text("old")
    (tmp_path / "out" / "else.txt").write_text("old")
    run(Maker())
    assert files(tmp_path / "out") == reference


def test_failed_gather_keeps_the_partitions(
    run: Callable[..., None], reference: dict[str, bytes], tmp_path: Path
) -> None:
    def refuse(out: Path) -> None:
        raise HuescapeError("no space")

    with pytest.raises(HuescapeError, match="no space"):
        run(Maker(), gather=refuse)
    again = Maker()
    run(again)
    assert again.made == []
    assert files(tmp_path / "out") == reference


def test_other_inputs_are_made_again(run: Callable[..., None], tmp_path: Path) -> None:
    """Of what an interrupted run left, only partitions of the same inputs are taken over."""

    class Failing(Maker):
        def __call__(self, k: int, folder: Path) -> None:
            if k == 2:
                raise HuescapeError("vanished")
            super().__call__(k, folder)

    with pytest.raises(HuescapeError, match="vanished"):
        run(Failing())
    assert len(left(tmp_path)) == 2
    again = Maker()
    run(again, keys=["a", "other", "c", "d"])
    assert again.made == [1, 2, 3]
    assert left(tmp_path) == []


def test_what_lies_in_the_folder_is_verified_before_it_is_indexed(
    run: Callable[..., None], reference: dict[str, bytes], tmp_path: Path
) -> None:
    """Nothing waits for this gather: an index over a rotten column would call it sound."""
    run(Maker())
    path = tmp_path / "out" / "00002.rgb.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    assert path.read_bytes() != reference[path.name]
    (tmp_path / "out" / "index.json").unlink()
    with pytest.raises(HuescapeError, match=r"00002\.rgb\.npy: damaged: .*make partition 2 again"):
        run(Maker(), only_gather=True)
    assert not (tmp_path / "out" / "index.json").exists()
    path.unlink()
    with pytest.raises(HuescapeError, match=r"00002\.rgb\.npy: No such file"):
        run(Maker(), only_gather=True)
    run(Maker(), partition=2)
    run(Maker(), only_gather=True)
    assert files(tmp_path / "out") == reference


@pytest.mark.parametrize("name", ["00001.rgb.npy", "00001.json", "SHA256SUMS"])
@pytest.mark.parametrize("way", [{}, {"partition": 1}, {"only_gather": True}])
def test_a_rotten_partition_is_dropped_with_one_line(
    run: Callable[..., None],
    reference: dict[str, bytes],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
    way: dict[str, object],
) -> None:
    """One flipped bit under the same size and times; what waits with it is taken over."""
    for k in range(4):
        run(Maker(), partition=k)
    kept = min((tmp_path / ".huescape/partial").glob(f"*/*/{name}"))
    before = kept.stat()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    os.utime(kept, ns=(before.st_atime_ns, before.st_mtime_ns))
    rotten = int(next(kept.parent.glob("0*.json")).stem)
    again = Maker()
    run(again, **({"partition": rotten} if "partition" in way else way))
    assert again.made == [rotten]
    said = [line for line in capfd.readouterr().err.splitlines() if "damaged" in line]
    assert len(said) == 1
    assert f"partition {rotten} is made anew" in said[0]
    run(Maker(), only_gather=True)
    assert files(tmp_path / "out") == reference


def test_two_folders_do_not_share_partitions(run: Callable[..., None]) -> None:
    first, second = Maker(), Maker()
    run(first, out="one/shards", partition=0)
    run(second, out="two/shards", partition=0)
    assert first.made == second.made == [0]


def test_equal_keys_are_two_partitions(
    run: Callable[..., None], reference: dict[str, bytes], tmp_path: Path
) -> None:
    """As those of partitions without photos are."""
    make = Maker()
    run(make, keys=["same"] * 4)
    assert make.made == [0, 1, 2, 3]
    assert files(tmp_path / "out") == reference


@pytest.mark.parametrize("k", [-1, 4])
def test_partition_that_does_not_exist(run: Callable[..., None], k: int) -> None:
    with pytest.raises(HuescapeError, match=f"partition is {k}; allowed: 0 to 3"):
        run(Maker(), partition=k)


def test_gather_names_a_missing_partition(run: Callable[..., None], tmp_path: Path) -> None:
    for k in (0, 1, 3):
        run(Maker(), partition=k)
    with pytest.raises(HuescapeError, match=r"00002\.json: no such file"):
        run(Maker(), only_gather=True)
    assert not (tmp_path / "out" / "index.json").exists()


def test_gather_refuses_a_partition_of_other_inputs(run: Callable[..., None]) -> None:
    run(Maker(KEYS), keys=KEYS)
    changed = ["a", "b", "changed", "d"]
    with pytest.raises(HuescapeError, match=r"00002\.json: was made from other photos"):
        run(Maker(changed), keys=changed, only_gather=True)


def test_placed_files_do_not_depend_on_links(
    run: Callable[..., None],
    reference: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the kept partitions lie on another file system, they are copied."""

    def refuse(*paths: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    run(Maker())
    assert files(tmp_path / "out") == reference


def test_killed_run_goes_on_where_it_stopped(reference: dict[str, bytes], tmp_path: Path) -> None:
    """kill -9 of the run midway, its outputs removed as engines do, then the same command."""
    script, log, out = tmp_path / "program.py", tmp_path / "log", tmp_path / "out"
    script.write_text(textwrap.dedent(PROGRAM))
    program = start(script, out, log, seconds=0.5)
    deadline = time.monotonic() + 30
    while len([n for n in left(tmp_path) if n[0] != "."]) < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    helpers = psutil.Process(program.pid).children(recursive=True)
    program.send_signal(signal.SIGKILL)
    program.wait(10)
    _, alive = psutil.wait_procs(helpers, timeout=10)
    assert alive == []  # workers end with their parent, and write nothing after this
    kept = [name for name in left(tmp_path) if not name.startswith(".")]
    begun = log.read_text().split()
    assert 1 <= len(kept) < 4
    assert not (out / "index.json").exists()
    log.unlink()
    program = start(script, out, log, seconds=0)
    _, error = program.communicate(timeout=30)
    assert program.returncode == 0, error
    made = log.read_text().split()
    assert len(made) == 4 - len(kept)
    assert "0" in begun
    assert "0" not in made  # the first is instant: it was finished before the kill
    assert files(out) == reference
    assert left(tmp_path) == []
    ShardSet.open(out).verify()


def start(script: Path, out: Path, log: Path, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(script), str(out), str(log), str(seconds)],
        cwd=script.parent,
        env={**os.environ, "HUESCAPE_WORKERS": "2"},
        stderr=subprocess.PIPE,
    )
