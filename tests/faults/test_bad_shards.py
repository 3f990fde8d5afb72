"""Folders of shards that are damaged or lie: each is refused in one line that names the file.

Damage is what a disk does: the digests stay behind. A lie is consistent, as a program with a bug
(or a person) would write it: its digests are right, and only what it says is wrong.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huescape.base.digests import SUMS, file_sha256, file_xxh3, reseal
from huescape.base.errors import HuescapeError
from huescape.params.quantizers import PriorParams
from huescape.shards import Column, ShardSet, shard_name, write_index, write_shard
from huescape.shards.format import masses
from huescape.stages import prior
from tests.faults.damage import cut, flipped

COLUMNS = [Column("rgb", "uint8", (4, 6, 3)), Column("box", "int16", (4,))]
META = {"size": 4, "stride": 2, "mass": [3, 0]}
FILES = ("index.json", SUMS, "00000.json", "00001.json", "00000.rgb.npy", "00001.box.npy")
INDEX = "index.json"


@dataclass(frozen=True)
class Case:
    """What is done to a good folder, and a part of the line that must come of it."""

    name: str
    damage: Callable[[Path], object]
    words: str = ""


def _grown(name: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(b"\n")

    return damage


def _swapped(one: str, other: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        (folder / one).rename(folder / "aside")
        (folder / other).rename(folder / one)
        (folder / "aside").rename(folder / other)

    return damage


def _index(change: Callable[[Any], object]) -> Callable[[Path], object]:
    """An index that says something else, with its digest."""

    def damage(folder: Path) -> None:
        value = json.loads((folder / INDEX).read_text())
        change(value)
        (folder / INDEX).write_text(json.dumps(value))
        reseal(folder / INDEX)

    return damage


def _index_is(content: bytes) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        (folder / INDEX).write_bytes(content)
        reseal(folder / INDEX)

    return damage


def _sidecar_is(content: bytes | Callable[[Any], object]) -> Callable[[Path], object]:
    """A sidecar that says something else, indexed."""

    def damage(folder: Path) -> None:
        path = folder / "00000.json"
        if callable(content):
            value = json.loads(path.read_text())
            content(value)
            path.write_text(json.dumps(value))
        else:
            path.write_bytes(content)
        digest = file_sha256(path)
        _index(lambda value: value["shards"][0].update(sidecar=digest))(folder)

    return damage


def _column_is(content: bytes) -> Callable[[Path], object]:
    """A column that is something else, listed everywhere."""

    def damage(folder: Path) -> None:
        path = folder / "00000.rgb.npy"
        path.write_bytes(content)
        digest, size = file_xxh3(path), len(content)
        _sidecar_is(lambda value: value["columns"]["rgb"].update(bytes=size))(folder)
        _index(lambda value: value["shards"][0]["xxh3"].update(rgb=digest))(folder)

    return damage


def _npy(array: Any, pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=pickle)
    return stream.getvalue()


def _set(*keys: Any, to: Any) -> Callable[[Any], object]:
    def change(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = to

    return change


def _without(*keys: Any) -> Callable[[Any], object]:
    def change(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        del value[keys[-1]]

    return change


_COLUMN = {"dtype": "uint8", "shape": [4], "sha256": "0" * 64, "xxh3": "0" * 32, "bytes": 9}
_WHOLE = np.zeros((3, 4, 6, 3), np.uint8)
_NOT_JSON = {
    "empty": b"",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "half": b'{"version": 1',
    "NULs": b"\0" * 64,
    "no UTF-8": b'{"version": "\xff"}',
    "nested": b"[" * 100_000,
    "long number": b'{"version": ' + b"9" * 5001 + b"}",
    "not a number": b'{"version": NaN}',
    "HTML": b"<html>not found</html>",
}
_BAD_COLUMNS = {
    "other dtype": _npy(_WHOLE.astype(np.int16)),
    "other shape": _npy(_WHOLE.reshape(3, 6, 4, 3)),
    "fewer photos": _npy(_WHOLE[:2]),
    "more photos": _npy(np.zeros((4, 4, 6, 3), np.uint8)),
    "objects": _npy(np.array([{}, {}, {}], dtype=object), pickle=True),
    "no npy": b"\x93NUMPX" + bytes(300),
    "only a magic": b"\x93NUMPY",
    "version 9": b"\x93NUMPY\x09\x00" + bytes(300),
    "code in the header": b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').system('false')",
    "empty": b"",
    "a photo": b"\xff\xd8\xff\xe0" + bytes(300),
}
_BAD_INDEX: dict[str, Callable[[Any], object]] = {
    "newer": _set("version", to=3),
    "version of text": _set("version", to="1"),
    "no version": _without("version"),
    "kind": _set("kind", to="videos"),
    "no kind": _without("kind"),
    "more photos": _set("count", to=7),
    "fewer than none": _set("count", to=-1),
    "photos in words": _set("count", to="many"),
    "no shards": _set("shards", to=[]),
    "shards of text": _set("shards", to="none"),
    "a shard that is a number": _set("shards", to=[1]),
    "a shard elsewhere": _set("shards", 0, "name", to="../00000"),
    "a shard that is not there": _set("shards", 0, "name", to="00007"),
    "twice the same shard": _set("shards", 1, "name", to="00000"),
    "a shard with more": _set("shards", 0, "count", to=4),
    "no digest of a column": _without("shards", 0, "xxh3", "rgb"),
    "a digest of no column": _set("shards", 0, "xxh3", "depth", to="0" * 32),
    "a digest of text": _set("shards", 0, "xxh3", "rgb", to="none"),
    "no digest of the sidecar": _without("shards", 0, "sidecar"),
    "a column more": _set("columns", "depth", to={"dtype": "uint8", "shape": [4]}),
    "a column less": _without("columns", "box"),
    "no columns": _set("columns", to={}),
    "dtype of objects": _set("columns", "rgb", "dtype", to="object"),
    "dtype that is none": _set("columns", "rgb", "dtype", to="colors"),
    "dtype of code": _set("columns", "rgb", "dtype", to="(1,"),
    "dtype of text": _set("columns", "rgb", "dtype", to="str"),
    "other dtype": _set("columns", "rgb", "dtype", to="int8"),
    "negative shape": _set("columns", "rgb", "shape", to=[-4, 6, 3]),
    "shape in words": _set("columns", "rgb", "shape", to="square"),
    "other shape": _set("columns", "rgb", "shape", to=[6, 4, 3]),
    "no meta": _without("meta"),
    "meta of text": _set("meta", to="48"),
    **{f"no {key}": _without("meta", key) for key in ("size", "stride", "mass")},
    **{
        f"{key} is {value!r}": _set("meta", key, to=value)
        for key in ("size", "stride")
        for value in (0, -4, 2.5, "4", None, True, [4], "4" * 1000)
    },
    **{
        f"mass is {value!r:.40}": _set("meta", "mass", to=value)
        for value in (
            7,
            None,
            "many",
            {"0": 1},
            [1, -1],
            [0.5],
            [None],
            [[1]],
            [2**63],
            ["1"] * 999,
        )
    },
    "a key more": _set("surprise", to=1),
}
_BAD_SIDECAR: dict[str, Callable[[Any], object]] = {
    "newer": _set("version", to=3),
    "fewer ids": _set("ids", to=["p/0"]),
    "more splits": _set("splits", to=["train"] * 4),
    "ids of numbers": _set("ids", to=[1, 2, 3]),
    "count": _set("count", to=2),
    "no columns": _set("columns", to={}),
    "a column less": _without("columns", "box"),
    "a column more": _set("columns", "x", to=_COLUMN),
    "bytes in words": _set("columns", "rgb", "bytes", to="all"),
    "dtype": _set("columns", "rgb", "dtype", to="void"),
    "a key more": _set("surprise", to=1),
}

_OTHER_BYTES = _sidecar_is(_set("columns", "rgb", "bytes", to=17))

CASES = [
    Case("sidecar: other bytes", _OTHER_BYTES, "00000.rgb.npy: has"),
    *(
        Case(f"{n}, bit at {s}", flipped(n, s))
        for n in FILES
        if n != SUMS
        for s in (0, 0.3, 0.6, 1)
    ),
    # The lines of columns and sidecars are for people; its last is that of the index.
    *(Case(f"{SUMS}, bit at {s}", flipped(SUMS, s)) for s in (0.88, 0.92, 0.97, 1)),
    *(Case(f"{name} cut at {s}", cut(name, s)) for name in FILES for s in (0.0, 0.5)),
    *(Case(f"{name} longer", _grown(name)) for name in FILES if name != SUMS),
    *(Case(f"no {name}", lambda f, n=name: (f / n).unlink()) for name in FILES),
    Case("sidecars swapped", _swapped("00000.json", "00001.json"), "00000.json: is not the"),
    Case("columns swapped", _swapped("00000.rgb.npy", "00000.box.npy"), ".npy: has"),
    Case("equal columns swapped", _swapped("00000.rgb.npy", "00001.rgb.npy"), ": damaged"),
    Case("index and sidecar swapped", _swapped(INDEX, "00000.json"), "index.json: damaged"),
    *(Case(f"index is {name}", _index_is(text), INDEX) for name, text in _NOT_JSON.items()),
    *(Case(f"index: {name}", _index(change)) for name, change in _BAD_INDEX.items()),
    *(Case(f"sidecar is {n}", _sidecar_is(t), "00000.json") for n, t in _NOT_JSON.items()),
    *(Case(f"sidecar: {n}", _sidecar_is(c), "00000.json") for n, c in _BAD_SIDECAR.items()),
    *(Case(f"column: {n}", _column_is(c), "00000.rgb.npy") for n, c in _BAD_COLUMNS.items()),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path /= "shards"
    tmp_path.mkdir()
    for k in range(2):
        rows = [
            (f"p/{k}{n}", "train", {"rgb": _WHOLE[0] + 3 * k + n, "box": np.arange(4, dtype="i2")})
            for n in range(3)
        ]
        write_shard(tmp_path, shard_name(k), COLUMNS, rows)
    write_index(tmp_path, "photos", COLUMNS, ["00000", "00001"], META)
    return tmp_path


def _read_all(folder: Path) -> None:
    shards = ShardSet.open(folder, "photos")
    for column in ("rgb", "box"):
        shards.take(column, np.arange(shards.count))
    assert shards.number("size") == 2 * shards.number("stride") == 4
    assert masses(shards.meta, folder / INDEX, "encode@x").tolist() == [3, 0]


def test_the_good_folder_is_read(folder: Path) -> None:
    _read_all(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_shards_are_one_line(folder: Path, case: Case) -> None:
    case.damage(folder)
    with pytest.raises(HuescapeError) as caught:
        _read_all(folder)
    message = str(caught.value)
    assert case.words in message
    assert str(folder) in message
    assert "\n" not in message
    assert len(message) < 600


def test_the_stage_prior_needs_a_mass(folder: Path) -> None:
    """A reader that opens the index alone says the same."""
    np.savez(folder.parent / "bins.npz", centers=np.zeros((2, 2)))
    write_index(folder, "targets", COLUMNS, ["00000", "00001"], {})
    out, figure = folder.parent / "prior.npz", folder.parent / "prior.png"
    params = PriorParams.model_validate({"lambda": 0.5})
    with pytest.raises(HuescapeError, match=r"index\.json: mass is None; allowed: .*-f encode@"):
        prior.run(folder.parent / "bins.npz", folder, out, figure, "lab", params)
    assert not out.exists()
