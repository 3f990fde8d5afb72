"""Shards: what is written is read back, and damage is named."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.digests import SUMS, reseal
from huescape.base.errors import HuescapeError
from huescape.base.temporaries import temporary_folder
from huescape.shards import (
    Column,
    ShardSet,
    Sidecar,
    read_sidecar,
    shard_name,
    write_index,
    write_shard,
)

COLUMNS = [Column("rgb", "uint8", (4, 6, 3)), Column("box", "int16", (4,))]
SPLITS = ("train", "val", "test")


def row(number: int) -> tuple[str, str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(number)
    rgb = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return f"p/{number:04d}", SPLITS[number % 3], {"rgb": rgb, "box": np.arange(4, dtype=np.int16)}


def make(folder: Path, counts: list[int]) -> ShardSet:
    start = 0
    for k, count in enumerate(counts):
        write_shard(folder, shard_name(k), COLUMNS, [row(n) for n in range(start, start + count)])
        start += count
    write_index(folder, "photos", COLUMNS, [shard_name(k) for k in range(len(counts))], {"size": 4})
    return ShardSet.open(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "shards", [3, 0, 5, 2])
    return tmp_path / "shards"


def test_round_trip(folder: Path) -> None:
    shards = ShardSet.open(folder, kind="photos")
    expected = [row(n) for n in range(10)]
    assert shards.count == 10
    assert shards.ids == [r[0] for r in expected]
    assert shards.splits.tolist() == [r[1] for r in expected]
    assert shards.meta == {"size": 4}
    assert shards.columns == {c.name: c for c in COLUMNS}
    for column in ("rgb", "box"):
        taken = shards.take(column, np.arange(10))
        np.testing.assert_array_equal(taken, np.stack([r[2][column] for r in expected]))
        assert taken.dtype.name == shards.columns[column].dtype
    shards.verify()


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    picks=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_take_is_the_plain_lookup(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], picks: list[int]
) -> None:
    shards = make(tmp_path_factory.mktemp("law"), counts)
    rows = [pick % shards.count for pick in picks] if shards.count else []
    taken = shards.take("rgb", rows)
    assert taken.shape == (len(rows), 4, 6, 3)
    for got, number in zip(taken, rows, strict=True):
        np.testing.assert_array_equal(got, row(number)[2]["rgb"])
    by_split = np.concatenate([shards.rows(split) for split in SPLITS])
    assert sorted(by_split.tolist()) == list(range(shards.count))


def test_files_are_those_of_numpy(folder: Path, tmp_path: Path) -> None:
    """The streamed file equals np.save's, byte for byte, also without rows."""
    for name, numbers in (("00000", range(3)), ("00001", range(0)), ("00002", range(3, 8))):
        stack = np.empty((len(numbers), 4, 6, 3), np.uint8)
        for at, number in enumerate(numbers):
            stack[at] = row(number)[2]["rgb"]
        np.save(tmp_path / "reference.npy", stack)
        written = (folder / f"{name}.rgb.npy").read_bytes()
        assert written == (tmp_path / "reference.npy").read_bytes()
        described = json.loads((folder / f"{name}.json").read_text())["columns"]["rgb"]
        assert described["bytes"] == len(written)


@pytest.mark.parametrize(("side", "count"), [(1001, 9), (2300, 3)])
def test_files_larger_than_a_block_are_those_of_numpy(
    tmp_path: Path, side: int, count: int
) -> None:
    """Rows of 1 and 5 MB that lie askew in memory, over several blocks of 4 MB."""
    rng = np.random.default_rng(side)
    whole = rng.integers(0, 256, (count, side, side), dtype=np.uint8).transpose(0, 2, 1)
    rows = [(str(number), "train", {"rgb": array}) for number, array in enumerate(whole)]
    made = write_shard(tmp_path, "00000", [Column("rgb", "uint8", (side, side))], rows)
    np.save(tmp_path / "numpy.npy", np.ascontiguousarray(whole))
    expected = (tmp_path / "numpy.npy").read_bytes()
    assert (tmp_path / "00000.rgb.npy").read_bytes() == expected
    assert made.columns["rgb"].bytes == len(expected)
    assert made.columns["rgb"].sha256 == hashlib.sha256(expected).hexdigest()


@pytest.mark.parametrize("how", ["take", "views"])
def test_reading_outside_is_refused(folder: Path, how: str) -> None:
    read = getattr(ShardSet.open(folder), how)
    for rows in ([10], [-1], [0, 99]):
        with pytest.raises(IndexError):
            read("rgb", rows)
    with pytest.raises(KeyError):
        read("nothing", [0])
    assert len(read("rgb", [])) == 0


def test_views_share_the_memory_map(folder: Path) -> None:
    shards = ShardSet.open(folder)
    rows = [9, 0, 4, 4]
    views = shards.views("rgb", rows)
    for view, taken in zip(views, shards.take("rgb", rows), strict=True):
        np.testing.assert_array_equal(view, taken)
        assert not view.flags.writeable
    assert np.shares_memory(views[2], views[3])
    assert np.shares_memory(views[1], shards.views("rgb", [0])[0])


@pytest.mark.parametrize("side", [8, 64])
def test_large_rows_are_taken_like_small_ones(tmp_path: Path, side: int) -> None:
    """Rows beyond a page are copied one by one, others shard by shard: the same arrays."""
    columns = [Column("rgb", "uint8", (side, side, 3))]
    rgb = np.random.default_rng(side).integers(0, 256, (7, side, side, 3), dtype=np.uint8)
    for k, part in enumerate((rgb[:4], rgb[4:])):
        rows = [(f"{k}/{n}", "train", {"rgb": photo}) for n, photo in enumerate(part)]
        write_shard(tmp_path, shard_name(k), columns, rows)
    write_index(tmp_path, "photos", columns, ["00000", "00001"], {})
    picked = [6, 0, 3, 3, 5]
    taken = ShardSet.open(tmp_path).take("rgb", picked)
    np.testing.assert_array_equal(taken, rgb[picked])
    assert taken.flags.writeable


def test_one_shard_alone(folder: Path) -> None:
    whole, alone = ShardSet.open(folder), ShardSet.open(folder, "photos", only=2)
    assert alone.ids == whole.ids[3:8]
    assert alone.splits.tolist() == whole.splits[3:8].tolist()
    np.testing.assert_array_equal(alone.take("rgb", range(5)), whole.take("rgb", range(3, 8)))
    with pytest.raises(IndexError):
        alone.take("rgb", [5])
    assert pickle.loads(pickle.dumps(alone)).ids == alone.ids
    (folder / "00003.json").unlink()
    assert ShardSet.open(folder, "photos", only=2).count == 5


MANY = """
import resource, sys
from pathlib import Path
from huescape.shards import ShardSet
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))
shards = ShardSet.open(Path(sys.argv[1]))
print(len(shards.take("rgb", range(shards.count))), len(shards.take("box", range(shards.count))))
"""


def test_more_shards_than_files_may_be_open(tmp_path: Path) -> None:
    make(tmp_path / "shards", [1] * 40)
    command = [sys.executable, "-c", MANY, str(tmp_path / "shards")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "40 40\n", done.stderr


def test_pickle_is_small_and_opens_again(folder: Path) -> None:
    shards = ShardSet.open(folder)
    shards.take("rgb", [0, 9])
    content = pickle.dumps(shards)
    assert len(content) < 1000
    np.testing.assert_array_equal(pickle.loads(content).take("box", [3]), shards.take("box", [3]))


@pytest.mark.parametrize("read", [ShardSet.verify, lambda s: s.take("rgb", [9, 4])])
def test_flipped_byte_is_found_and_named(folder: Path, read: Callable[[ShardSet], object]) -> None:
    path = folder / "00002.rgb.npy"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    shards = ShardSet.open(folder)
    with pytest.raises(HuescapeError, match=r"00002\.rgb\.npy: damaged: .*-s -f resize`"):
        read(shards)
    assert shards.take("rgb", [0]).shape == (1, 4, 6, 3)  # what is whole can be read


def test_a_column_is_verified_once(folder: Path) -> None:
    """Its file may then be on its way out: what was mapped stays."""
    shards = ShardSet.open(folder)
    before = shards.take("rgb", [0])
    (folder / "00000.rgb.npy").unlink()
    np.testing.assert_array_equal(shards.take("rgb", [0]), before)
    (folder / "00002.rgb.npy").unlink()
    with pytest.raises(HuescapeError, match=r"00002\.rgb\.npy: cannot be read"):
        shards.verify()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("column", ["rgb", "box"])
def test_a_column_is_verified_at_its_first_reading(folder: Path, column: str) -> None:
    """Shard by shard: those that nobody reads are nobody's concern."""
    _flip(folder / f"00002.{column}.npy")
    shards = ShardSet.open(folder)
    shards.take(column, [0])
    for _ in range(2):
        with pytest.raises(HuescapeError, match=rf"00002\.{column}\.npy: damaged: .*-s -f resize`"):
            shards.take(column, [0, 4])


def test_once_is_enough(folder: Path) -> None:
    shards = ShardSet.open(folder)
    shards.verify()
    _flip(folder / "00002.rgb.npy")
    assert len(shards.take("rgb", [4])) == 1


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum of coreutils")
def test_coreutils_check_every_file(folder: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", SUMS], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0
    listed = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert listed == {path.name for path in folder.iterdir()} - {SUMS}


def test_truncated_column_is_found_on_opening(folder: Path) -> None:
    path = folder / "00003.box.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(HuescapeError, match=r"00003\.box\.npy: has \d+ bytes, expected \d+"):
        ShardSet.open(folder)


def test_header_that_disagrees_is_refused_on_reading(folder: Path) -> None:
    """Same size and listed, but another dtype: only the header tells."""
    path = folder / "00000.rgb.npy"
    path.write_bytes(path.read_bytes().replace(b"|u1", b"|i1"))
    index = json.loads((folder / "index.json").read_text())
    index["shards"][0]["xxh3"]["rgb"] = xxhash.xxh3_128_hexdigest(path.read_bytes())
    (folder / "index.json").write_text(json.dumps(index))
    reseal(folder / "index.json")
    with pytest.raises(HuescapeError, match=r"00000\.rgb\.npy: holds int8"):
        ShardSet.open(folder).take("rgb", [0])


@pytest.mark.parametrize("name", ["index.json", "00002.json", "00000.rgb.npy"])
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(HuescapeError, match=name.replace(".", r"\.") + ": no such file"):
        ShardSet.open(folder)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", 1, r"index\.json: version is 1; this program reads version 2; .*-f resize`"),
        ("version", None, "version is None"),
        ("kind", "videos", "kind is 'videos'; allowed: photos, targets"),
        ("count", 11, "count is 11, but its shards hold 10"),
        ("shards", "none", "shards"),
        ("surprise", 1, "surprise"),
    ],
)
def test_index_that_is_not_understood_is_refused(
    folder: Path, key: str, value: object, message: str
) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, key: value}))
    reseal(folder / "index.json")
    with pytest.raises(HuescapeError, match=message) as caught:
        ShardSet.open(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1', "\x00\x01"])
def test_index_that_is_not_an_index_is_refused(folder: Path, text: str) -> None:
    (folder / "index.json").write_text(text)
    reseal(folder / "index.json")
    with pytest.raises(HuescapeError, match=r"index\.json"):
        ShardSet.open(folder)


def test_wrong_kind_is_refused(folder: Path) -> None:
    with pytest.raises(HuescapeError, match="kind 'photos'; needed: 'targets'"):
        ShardSet.open(folder, kind="targets")


def test_sidecar_changed_after_indexing_is_refused(folder: Path) -> None:
    path = folder / "00000.json"
    path.write_text(path.read_text().replace("p/0001", "p/9999"))
    with pytest.raises(HuescapeError, match=r"00000\.json: is not the sidecar"):
        ShardSet.open(folder)


def test_index_removes_other_shards_and_left_overs(folder: Path) -> None:
    with temporary_folder(folder) as template:
        name = template.name
    for left in (name, "00007.rgb.npy", "notes.txt"):
        (folder / left).write_text("x")
    write_index(folder, "photos", COLUMNS, ["00000", "00003"], {})
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == [
        "00000.box.npy", "00000.json", "00000.rgb.npy",
        "00003.box.npy", "00003.json", "00003.rgb.npy",
        SUMS, "index.json", "notes.txt",
    ]  # fmt: skip
    assert ShardSet.open(folder).count == 5


def test_index_refuses_a_photo_in_two_shards(folder: Path) -> None:
    write_shard(folder, "00001", COLUMNS, [row(0)])
    with pytest.raises(HuescapeError, match="photo p/0000 is in shards 00000 and 00001"):
        write_index(folder, "photos", COLUMNS, ["00000", "00001"], {})


def test_index_refuses_old_columns_and_missing_shards(folder: Path) -> None:
    wider = [Column("rgb", "uint8", (8, 8, 3)), COLUMNS[1]]
    with pytest.raises(HuescapeError, match="other columns than expected"):
        write_index(folder, "photos", wider, ["00000"], {})
    with pytest.raises(HuescapeError, match=r"00009\.json: no such file"):
        write_index(folder, "photos", COLUMNS, ["00000", "00009"], {})
    with pytest.raises(HuescapeError, match="allowed: photos, targets"):
        write_index(folder, "videos", COLUMNS, ["00000"], {})


@pytest.mark.parametrize("announced", [1, 3])
def test_wrong_count_leaves_no_columns(tmp_path: Path, announced: int) -> None:
    with pytest.raises(HuescapeError, match="announced, 2 given"):
        write_shard(tmp_path, "00000", COLUMNS, iter([row(0), row(1)]), count=announced)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arrays",
    [
        {"rgb": np.zeros((4, 6, 3), np.int16), "box": np.zeros(4, np.int16)},
        {"rgb": np.zeros((6, 4, 3), np.uint8), "box": np.zeros(4, np.int16)},
        {"rgb": np.zeros((4, 6, 3), np.uint8)},
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="p/x"):
        write_shard(tmp_path, "00000", COLUMNS, [("p/x", "train", arrays)])
    assert list(tmp_path.iterdir()) == []


def test_rewriting_removes_the_sidecar_first(folder: Path) -> None:
    """A sidecar must never stand beside columns it does not describe."""

    def failing() -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
        assert not (folder / "00000.json").exists()
        yield row(0)
        raise HuescapeError("photo vanished")

    with pytest.raises(HuescapeError, match="photo vanished"):
        write_shard(folder, "00000", COLUMNS, failing(), count=2)
    with pytest.raises(HuescapeError, match=r"00000\.json: no such file"):
        read_sidecar(folder, "00000", "make it again")


@pytest.mark.parametrize(
    ("was", "now", "complaint"),
    [
        ("{", "", "not valid JSON: .*"),
        ('"count": ', '"count": -', "count: .*"),
        ('"ids": [', '"ids": ["x", ', "count is 3, but it lists 4 ids and 3 splits"),
    ],
)
def test_what_is_wrong_with_a_sidecar_ends_with_the_remedy(
    folder: Path, was: str, now: str, complaint: str
) -> None:
    path = folder / "00000.json"
    path.write_text(path.read_text().replace(was, now, 1))
    with pytest.raises(HuescapeError, match=f"^{re.escape(str(path))}: {complaint}; make it$"):
        read_sidecar(folder, "00000", "make it")


def test_extra_is_read_back(tmp_path: Path) -> None:
    total = {"mass": 0}

    def rows() -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
        for number in range(3):
            total["mass"] += 2**60
            yield row(number)

    written = write_shard(tmp_path, "00000", COLUMNS, rows(), lambda: dict(total), count=3)
    read = read_sidecar(tmp_path, "00000", "make it again")
    assert isinstance(read, Sidecar)
    assert read == written
    assert read.extra == {"mass": 3 * 2**60}


def test_a_refusing_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """A real refusal: the kernel lets the process write no file larger than 64 kB."""
    script = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        import numpy as np
        from huescape.base.errors import HuescapeError
        from huescape.shards import Column, write_shard
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        rows = [(str(n), "train", {"rgb": np.zeros((64, 64, 3), np.uint8)}) for n in range(20)]
        try:
            write_shard(Path(sys.argv[1]), "00000", [Column("rgb", "uint8", (64, 64, 3))], rows)
        except HuescapeError as error:
            print(error)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert done.stdout.count("\n") == 1
    assert "cannot write" in done.stdout
    assert "00000.rgb.npy" in done.stdout
    assert list((tmp_path / "out").iterdir()) == []
