"""`huescape evaluate` in many processes: the same bytes as in one, and what a killed one leaves.

Photos have 256 pixels, so that four go through the network together and there are several batches.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.evaluation.passes import batches
from huescape.evaluation.shares import pieces
from huescape.shards import Column, write_index, write_shard
from tests.distributed.killing import EACH_OF_TWO, ONE_LINE, RANKS, kill, lines
from tests.evaluation.conftest import SIZE, paint

PARAMS = Path(__file__).parents[2] / "params.yaml"
SIDE, TIMES = 256, 256 // SIZE
EVALUATE = ("huescape", "evaluate", "colorunet")


def write_photos(folder: Path, splits: Sequence[str]) -> None:
    """A photo of each of `splits`, of which every third has padding."""
    columns = [Column("rgb", "uint8", (SIDE, SIDE, 3)), Column("box", "int16", (4,))]
    rows: list[Any] = []
    for number, split in enumerate(splits):
        rgb = np.kron(paint(number), np.ones((TIMES, TIMES, 1), np.uint8))
        box = np.array((40, 0, 180, SIDE) if number % 3 else (0, 0, SIDE, SIDE), np.int16)
        rows.append((f"made/{number}", split, {"rgb": rgb, "box": box}))
    write_shard(folder, "00000", columns, rows)
    write_index(folder, "photos", columns, ["00000"], {"size": SIDE})


@pytest.fixture
def project(inputs: Any, tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder in which `huescape evaluate colorunet` is next, with so many test photos."""

    def makes(tests: int, model: str = "yuv") -> Path:
        shutil.copy(PARAMS, tmp_path)
        write_photos(tmp_path / "data/resized", ["train", "val"] * 3 + ["test"] * tests)
        for kind, file in (("bins", inputs.bins), ("priors", inputs.prior)):
            (tmp_path / "data" / kind).mkdir()
            shutil.copy(file, tmp_path / "data" / kind / "lab313.npz")
        shutil.copytree(inputs.models / model, tmp_path / "models/colorunet")
        return tmp_path

    return makes


def environment(processes: int) -> dict[str, str]:
    own = {"HUESCAPE_PROCESSES": str(processes), "HUESCAPE_THREADS": "1", "HUESCAPE_DEVICE": "cpu"}
    return {**os.environ, **own, "HUESCAPE_TRACKING": "off"}


def run(project: Path, *command: str, processes: int = 1) -> dict[str, bytes]:
    """What the command writes; it is removed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment(processes),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": photos ") == 1  # the first speaks
    found = contents(project / "reports")
    shutil.rmtree(project / "reports")
    return found


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.long
@pytest.mark.parametrize("model", ["yuv", "regression"])
def test_any_number_of_processes_writes_the_same_bytes(
    project: Callable[..., Path], model: str
) -> None:
    """With 3, one has nothing to score; 6 are more than the photos, and some share a batch."""
    root = project(5, model)
    one = run(root, *EVALUATE)
    assert len(one) >= 12
    assert run(root, *EVALUATE, processes=2) == one
    if model == "regression":
        return
    assert run(root, *EVALUATE, processes=3) == one
    start = ("torch.distributed.run", "--standalone", "--nproc-per-node=6", "-m")
    assert run(root, *start, *EVALUATE) == one
    assert run(root, *EVALUATE, processes=999_999) == one  # as many as photos are started


@pytest.mark.long
def test_so_does_generalize(project: Callable[..., Path]) -> None:
    root = project(1)
    write_photos(root / "data/unseen/more/resized", ["test"] * 5)
    params = (root / "params.yaml").read_text(encoding="utf-8")
    for section, entry in (
        ("unseen", "{more: {source: {kind: sample}}}"),
        ("generalized", "{own: {system: colorunet, unseen: more}}"),
    ):
        assert f"\n{section}: {{}}\n" in params
        params = params.replace(f"\n{section}: {{}}\n", f"\n{section}: {entry}\n")
    (root / "params.yaml").write_text(params, encoding="utf-8")
    one = run(root, "huescape", "generalize", "own")
    assert {"generalization/own/intervals.csv", "generalization/own/index.html"} <= set(one)
    assert run(root, "huescape", "generalize", "own", processes=2) == one


def test_torchrun_is_refused_for_what_is_not_spread(project: Callable[..., Path]) -> None:
    ranks = {"TORCHELASTIC_RUN_ID": "one", "RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "huescape", "prior", "lab313"],
        cwd=project(1),
        env={**environment(1), **ranks},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    said = "torchrun started 'prior'; allowed: train, evaluate, generalize"
    assert lines(done.stderr) == [f"huescape: error: {said}"]


@given(st.integers(0, 40), st.sampled_from([64, 200, 256, 1024]), st.integers(1, 12))
def test_every_photo_has_one_process_and_its_batch(photos: int, side: int, processes: int) -> None:
    rows_N = np.arange(100, 100 + photos)
    whole = [rows.tolist() for rows in batches(rows_N, side)]
    found = pieces(rows_N, side, processes)
    assert [row for piece in found for row in piece.scored] == rows_N.tolist()
    assert all(piece.rows.tolist() in whole for piece in found)
    assert all(len(piece.scored) for piece in found)
    if processes < 2 * len(whole):
        assert [piece.scored.tolist() for piece in found] == whole
    else:  # nobody predicts two
        assert len(found) <= processes


@pytest.fixture
def started(project: Callable[..., Path]) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """The command in two processes, both at work on the first of many photos."""
    root = project(60)
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", *EVALUATE]
    process = subprocess.Popen(command, cwd=root, env=environment(2), **options)
    until = time.monotonic() + 300
    while sum(map(reads_photos, psutil.Process(process.pid).children())) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    yield root, process
    process.kill()
    process.communicate()


def reads_photos(process: psutil.Process) -> bool:
    try:
        return any("00000.rgb.npy" in one.path for one in process.memory_maps())
    except psutil.Error:
        return False


@pytest.mark.long
@EACH_OF_TWO
def test_killed_it_stops_in_one_line_and_leaves_nothing(
    started: tuple[Path, subprocess.Popen[str]], killed: str
) -> None:
    root, process = started
    said = kill(process, killed)
    assert contents(root / "reports") == {}
    if killed in RANKS:
        assert process.returncode == 1
        assert said == [f"{ONE_LINE.format(killed)}the same command begins anew"]
    elif killed == "all":
        assert process.returncode == 130
        assert len(said) <= 1


@pytest.mark.long
def test_a_damaged_photo_is_one_line(project: Callable[..., Path]) -> None:
    root = project(5)
    path = root / "data/resized/00000.rgb.npy"
    pixels = bytearray(path.read_bytes())
    pixels[-1] ^= 1
    path.write_bytes(bytes(pixels))
    done = subprocess.run(
        [sys.executable, "-m", *EVALUATE],
        cwd=root,
        env=environment(2),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert len(lines(done.stderr)) == 1
    assert "00000.rgb.npy: damaged" in lines(done.stderr)[0]
    assert contents(root / "reports") == {}
