"""The photos that all systems have are drawn; a broken file is one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.reporting import examples
from huescape.reporting.groups import grouped


def write(path: Path, ids: list[str], seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    arrays: dict[str, np.ndarray] = {"ids": np.array(ids)}
    for k in range(len(ids)):
        for kind in ("truth", "rgb"):
            arrays[f"{kind}_{k}"] = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_only_common_photos_are_drawn(make, quantizers, tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.npz", ["c", "a", "b"]), write(tmp_path / "2.npz", ["b", "c"], 1)
    results = [
        make("one", pictures=one),
        make("none", batch=1),
        make("two", pictures=two, batch=2),
    ]
    ((path, names),) = examples.draw_blocks(grouped(results, quantizers), tmp_path)
    assert names == ("one", "two")
    sheet = np.asarray(Image.open(path).convert("RGB"))
    with np.load(one) as first, np.load(two) as second:
        # c, then b, in the order of the first file; the other file has them the other way round.
        expected = [first["truth_0"], first["rgb_0"], second["rgb_1"]]
        expected += [first["truth_2"], first["rgb_2"], second["rgb_0"]]
    places = [_place(sheet, shown) for shown in expected]
    rows, columns = [y for y, _ in places], [x for _, x in places]
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[4] == rows[5]
    assert columns[:3] == columns[3:] == sorted(columns[:3])


def _place(sheet: np.ndarray, shown: np.ndarray) -> tuple[int, int]:
    for y, x in np.argwhere((sheet == shown[0, 0]).all(axis=-1)):
        if np.array_equal(sheet[y : y + 20, x : x + 30], shown):
            return int(y), int(x)
    raise AssertionError("not in the sheet")


def test_nothing_in_common_draws_nothing(make, quantizers, tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.npz", ["a"]), write(tmp_path / "2.npz", ["b"])
    results = [make("one", pictures=one), make("two", pictures=two, batch=2)]
    assert examples.draw_blocks(grouped(results, quantizers), tmp_path) == []
    assert examples.draw_blocks(grouped([make("one")], quantizers), tmp_path) == []
    assert not list(tmp_path.glob("*.png"))


def test_broken_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "pictures.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(HuescapeError, match=r"pictures\.npz: is not a readable"):
        examples.read_ids(path)
    np.savez(path, ids=np.array(["a"]), truth_0=np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(HuescapeError, match=r"pictures\.npz: has no array 'rgb_0'"):
        examples.read_pictures(path, ["a"])
    np.savez(path, ids=np.array(["a"]), truth_0=np.zeros((4, 4, 3)), rgb_0=np.zeros((4, 4, 3)))
    with pytest.raises(HuescapeError, match="pictures of 'a' are not two"):
        examples.read_pictures(path, ["a"])
    np.savez(path, ids=np.array(["a"], dtype=object))
    with pytest.raises(HuescapeError, match="is not a readable"):
        examples.read_ids(path)
