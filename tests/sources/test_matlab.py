"""Tables of MATLAB files that SciPy writes, compared with what SciPy reads; and damaged ones."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress

import numpy as np
import pytest
import scipy.io

from huescape.base.errors import HuescapeError
from huescape.sources.matlab import read_table

FIELDS = ("WNID", "ID")
ROWS = [("n01", 1.0), ("n0002", 70000.0), ("ünï", -3.5), ("", 255.0)]


def table() -> np.ndarray:
    """With fields before, between and after those that are wanted, some of them nested."""
    made = np.zeros((len(ROWS), 1), [(name, object) for name in ("a", "WNID", "x", "ID", "words")])
    inner = np.zeros((1, 1), [("deep", object)])
    inner[0, 0] = (np.arange(12.0).reshape(3, 4),)
    for row, (text, number) in zip(made, ROWS, strict=True):
        row[0] = (inner, text, np.zeros((1, 0)), np.array(number, float), "many words " * 9)
    return made


def one_field() -> np.ndarray:
    return np.array([[(1.0,)]], [("ID", object)])


def saved(is_compressed: bool, **arrays: object) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, arrays, do_compression=is_compressed)
    return stream.getvalue()


@pytest.mark.parametrize("is_compressed", [False, True])
def test_the_same_as_scipy(is_compressed: bool) -> None:
    content = saved(is_compressed, first=np.eye(3), table=table(), last="text")
    assert read_table(content, "table", FIELDS) == ROWS
    read = scipy.io.loadmat(io.BytesIO(content), squeeze_me=True)["table"]
    numbers = [float(row["ID"]) for row in read]
    assert [row[1] for row in read_table(content, "table", FIELDS)] == numbers


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.int64])
def test_numbers_of_every_type(dtype: type) -> None:
    made = np.zeros((1, 1), [("ID", object)])
    made[0, 0] = (np.array(100, dtype),)
    assert read_table(saved(True, t=made), "t", ["ID"]) == [(100.0,)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no MATLAB file"),
        (b"\x89HDF" + bytes(600), "no MATLAB file"),
        (saved(False, other=1.0), "holds other but no table"),
        (saved(False)[:128], "holds nothing but no table"),
        (saved(False, table=1.0), "table is no structure array"),
        (saved(False, table=one_field()), "table has no field WNID"),
        (saved(False, table=table())[:900], "damaged"),
        (saved(True, table=table())[:300], "damaged"),
    ],
)
def test_what_is_no_such_table_is_one_line(content: bytes, words: str) -> None:
    with pytest.raises(HuescapeError, match=words) as caught:
        read_table(content, "table", FIELDS)
    assert "\n" not in str(caught.value)


def test_damage_is_an_error_or_another_table_and_never_a_crash() -> None:
    """Bytes changed here and there: SciPy's own reader ends the process on some of these."""
    whole, rng = saved(False, table=table()), np.random.default_rng(0)
    for _ in range(2000):
        broken = bytearray(whole)
        for at in rng.integers(128, len(whole), rng.integers(1, 5)):
            broken[at] = rng.integers(0, 256)
        with suppress(HuescapeError):
            read_table(bytes(broken), "table", FIELDS)


def test_a_compressed_element_is_not_unpacked_without_end() -> None:
    bomb = zlib.compress(bytes(1 << 28), 9)
    header = saved(False)[:128]
    with pytest.raises(HuescapeError):
        read_table(
            header + (15).to_bytes(4, "little") + len(bomb).to_bytes(4, "little") + bomb,
            "table",
            FIELDS,
        )
