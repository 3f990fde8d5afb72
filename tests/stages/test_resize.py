"""The stage resize: kept photos in shards, the same bytes by every way."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.params.photos import ResizeParams
from huescape.photos import fit, open_photo
from huescape.photos.catalog import CatalogRow, partition_of
from huescape.photos.catalog_file import read_catalog, read_kept, write_catalog
from huescape.shards import ShardSet
from huescape.stages import resize as stage

PARAMS = ResizeParams(size=32, shards=3)


def photo(number: int) -> bytes:
    rng = np.random.default_rng(number)
    width, height = (int(side) for side in rng.integers(20, 90, 2))
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def row(number: int, root: Path, *, kept: bool = True) -> CatalogRow:
    data = photo(number)
    path = root / "photos" / f"{number}.png"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return CatalogRow(
        id=f"s/{number:02d}", path=str(path), offset=None, bytes=len(data), source="s",
        category="", tier="core", sha256=hashlib.sha256(data).hexdigest(), width=1, height=1,
        chroma=9.0, phash="0" * 16, split=("train", "val", "test")[number % 3] if kept else "",
        kept=kept, reason="" if kept else "gray",
    )  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUESCAPE_WORKERS", "1")
    rows = [row(number, tmp_path, kept=number != 7) for number in range(20)]
    write_catalog(tmp_path / "catalog" / "catalog.parquet", rows)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_kept_photos_are_fitted_in_their_partition(root: Path) -> None:
    metrics = stage.run(root / "catalog", root / "out", PARAMS)
    assert metrics == {"photos": 19, "shards": 3}
    shards = ShardSet.open(root / "out", kind="photos")
    shards.verify()
    assert shards.meta == {"size": 32}
    kept = {row.id: row for row in read_kept(root / "catalog" / "catalog.parquet")}
    expected = sorted(kept, key=lambda name: (partition_of(kept[name].sha256, 3), name))
    assert shards.ids == expected
    assert shards.splits.tolist() == [kept[name].split for name in expected]
    rgb, box = shards.take("rgb", np.arange(19)), shards.take("box", np.arange(19))
    for at, name in enumerate(expected):
        fitted, where = fit(open_photo(photo(int(name[-2:]))), 32)
        np.testing.assert_array_equal(rgb[at], fitted)
        np.testing.assert_array_equal(box[at], where)


def test_same_bytes_by_workers_and_by_partitions(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.run(root / "catalog", root / "one", PARAMS)
    monkeypatch.setenv("HUESCAPE_WORKERS", "3")
    stage.run(root / "catalog", root / "three", PARAMS)
    counts = [
        stage.run(root / "catalog", root / "parts", PARAMS, partition=k)["photos"]
        for k in (1, 2, 0)
    ]
    stage.run(root / "catalog", root / "parts", PARAMS, gather=True)
    assert sum(counts) == 19
    reference = files(root / "one")
    assert files(root / "three") == reference
    assert files(root / "parts") == reference
    assert not list((root / ".huescape" / "partial").glob("*/*"))


def test_more_partitions_than_photos(root: Path) -> None:
    stage.run(root / "catalog", root / "out", ResizeParams(size=32, shards=50))
    shards = ShardSet.open(root / "out")
    shards.verify()
    assert shards.count == 19
    assert len(list((root / "out").glob("*.rgb.npy"))) == 50


def test_fewer_partitions_leave_no_old_files(root: Path) -> None:
    for k in range(5):
        stage.run(root / "catalog", root / "out", ResizeParams(size=32, shards=5), partition=k)
    for k in range(3):
        stage.run(root / "catalog", root / "out", PARAMS, partition=k)
    stage.run(root / "catalog", root / "out", PARAMS, gather=True)
    stage.run(root / "catalog", root / "whole", PARAMS)
    assert files(root / "out") == files(root / "whole")


def test_photo_in_a_tar(root: Path) -> None:
    data = photo(40)
    (root / "n1.tar").write_bytes(b"x" * 700 + data + b"y" * 50)
    member = row(40, root)
    rows = read_catalog(root / "catalog" / "catalog.parquet")
    tar = CatalogRow(**{
        **{name: getattr(member, name) for name in CatalogRow.__slots__},
        "path": str(root / "n1.tar"),
        "offset": 700,
    })  # fmt: skip
    write_catalog(root / "catalog" / "catalog.parquet", [*rows, tar])
    stage.run(root / "catalog", root / "out", PARAMS)
    shards = ShardSet.open(root / "out")
    at = shards.ids.index(tar.id)
    np.testing.assert_array_equal(shards.take("rgb", [at])[0], fit(open_photo(data), 32)[0])


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("damage", ["changed", "vanished"])
def test_photo_changed_or_gone_is_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, damage: str, workers: str
) -> None:
    monkeypatch.setenv("HUESCAPE_WORKERS", workers)
    path = root / "photos" / "12.png"
    if damage == "changed":
        path.write_bytes(photo(999))
    else:
        path.unlink()
    with pytest.raises(
        HuescapeError, match=rf"12\.png.*{damage} since .*dvc repro -f download"
    ) as caught:
        stage.run(root / "catalog", root / "out", PARAMS)
    assert "\n" not in str(caught.value)
    assert not (root / "out" / "index.json").exists()


def test_gather_refuses_partitions_of_another_catalog(root: Path) -> None:
    for k in range(3):
        stage.run(root / "catalog", root / "out", PARAMS, partition=k)
    stage.run(root / "catalog", root / "out", PARAMS, gather=True)
    rows = read_catalog(root / "catalog" / "catalog.parquet")
    write_catalog(root / "catalog" / "catalog.parquet", [*rows, row(60, root)])
    k = partition_of(hashlib.sha256(photo(60)).hexdigest(), 3)
    with pytest.raises(HuescapeError, match=rf"0000{k}\.json: .*make partition {k} again"):
        stage.run(root / "catalog", root / "out", PARAMS, gather=True)


def test_wrong_partitions(root: Path) -> None:
    with pytest.raises(HuescapeError, match="partition is 3; allowed: 0 to 2"):
        stage.run(root / "catalog", root / "out", PARAMS, partition=3)
    with pytest.raises(HuescapeError, match="exclude each other"):
        stage.run(root / "catalog", root / "out", PARAMS, partition=1, gather=True)


def test_refusing_disk_then_enough_space(root: Path) -> None:
    """A real refusal (no file over 8 kB), then the same run without it: as if nothing had been."""
    script = root / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import resource
            from pathlib import Path
            from huescape.base.errors import HuescapeError
            from huescape.params.photos import ResizeParams
            from huescape.stages import resize
            if __name__ == "__main__":
                resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
                try:
                    resize.run(Path("catalog"), Path("out"), ResizeParams(size=32, shards=3))
                except HuescapeError as error:
                    print(error)
            """
        )
    )
    for workers in ("1", "2"):
        done = subprocess.run(
            [sys.executable, str(script)],
            env={**os.environ, "HUESCAPE_WORKERS": workers},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.startswith("cannot write")
        assert done.stdout.count("\n") == 1
        said = [line for line in done.stderr.splitlines() if line.strip()]
        assert all(line.startswith("resize: ") for line in said)  # a bar, after two seconds
        assert not (root / "out").exists()
    stage.run(root / "catalog", root / "out", PARAMS)
    stage.run(root / "catalog", root / "reference", PARAMS)
    assert files(root / "out") == files(root / "reference")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_is_flat(root: Path) -> None:
    """Ten times the photos take less than 8 MB more; together they would take 90 MB."""
    script = textwrap.dedent(
        """
        import re, sys
        from pathlib import Path
        from huescape.params.photos import ResizeParams
        from huescape.stages import resize
        resize.run(Path(sys.argv[1]), Path(sys.argv[2]), ResizeParams(size=512, shards=1))
        print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
        """
    )
    peaks = []
    for count in (12, 120):
        rows = [row(number, root) for number in range(100, 100 + count)]
        write_catalog(root / f"catalog-{count}" / "catalog.parquet", rows)
        done = subprocess.run(
            [sys.executable, "-c", script, f"catalog-{count}", f"out-{count}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 8 * 1024
