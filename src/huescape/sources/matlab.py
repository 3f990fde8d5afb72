"""A table of a MATLAB file, format 5, read without trusting it.

SciPy reads such files with compiled code that a damaged one can crash.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from huescape.base.errors import HuescapeError

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_STRUCT, _TEXT = 2, 4
#: Numbers of the format's types, as `struct` names them.
_NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
#: UTF-8, UTF-16 and UTF-32 by their types; types of one byte hold ASCII.
_CODES = {1: "ascii", 2: "ascii", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le", 18: "utf-32-le"}
#: A compressed table is refused beyond: it must not fill the memory.
_LARGEST = 1 << 26


@dataclass(frozen=True)
class _Array:
    """An array of the file: its class, its name, and the elements that follow."""

    kind: int
    name: str
    length: int
    parts: list[tuple[int, bytes]]


def read_table(content: bytes, name: str, fields: Sequence[str]) -> list[tuple[str | float, ...]]:
    """The named fields of each element of the structure array `name`: texts, and single numbers.

    Raises HuescapeError, without the file's name, for what is no such file or has no such table.
    """
    if content[126:128] != b"IM":
        raise HuescapeError("it is no MATLAB file of format 5")
    try:
        table = _find(content, name)
        return [tuple(_value(row[field]) for field in fields) for row in _rows(table, fields)]
    except (ValueError, LookupError, struct.error, zlib.error) as error:
        raise HuescapeError(f"it is damaged: {str(error)[:80] or type(error).__name__}") from error


def _find(content: bytes, name: str) -> _Array:
    names = []
    for kind, data in _elements(content[_HEADER:]):
        if kind == _COMPRESSED:
            unpacked = zlib.decompressobj().decompress(data, _LARGEST)
            kind, data = next(_elements(unpacked), (0, b""))
        if kind == _MATRIX:
            array = _array(data)
            if array.name == name:
                return array
            names.append(array.name)
    raise HuescapeError(f"it holds {', '.join(names)[:80] or 'nothing'} but no {name}")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and content of one element after the other."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        start, end = at + 8, at + 8 + size
        if kind >> 16:  # both in one word, the content in the next
            kind, start, end = kind & 0xFFFF, at + 4, at + 4 + (kind >> 16)
        if end > (at + 8 if start == at + 4 else len(data)):
            raise ValueError(f"an element claims {end - start} bytes")
        yield kind, data[start:end]
        at = end if kind == _COMPRESSED else at + -(-(end - at) // 8) * 8


def _array(data: bytes) -> _Array:
    parts = list(_elements(data))
    (_, flags), (_, dimensions), (_, name) = parts[:3]
    length = 1
    for side in struct.unpack(f"<{len(dimensions) // 4}i", dimensions):
        length *= side
    return _Array(flags[0], name.decode("ascii"), length, parts[3:])


def _rows(table: _Array, fields: Sequence[str]) -> Iterator[dict[str, _Array]]:
    """The wanted fields of each element of a structure array."""
    if table.kind != _STRUCT:
        raise ValueError(f"{table.name} is no structure array")
    (_, widths), (_, names) = table.parts[:2]
    (width,) = struct.unpack("<i", widths)
    if width < 1:
        raise ValueError("a field name of no letters")
    named = [
        names[at : at + width].split(b"\0")[0].decode("ascii") for at in range(0, len(names), width)
    ]
    values = table.parts[2:]
    if missing := set(fields) - set(named):
        raise ValueError(f"{table.name} has no field {min(missing)}")
    if table.length * len(named) != len(values):
        raise ValueError(f"{table.name} has {len(values)} values")
    for at in range(0, len(values), len(named)):
        row = dict(zip(named, values[at : at + len(named)], strict=True))
        yield {field: _array(row[field][1]) for field in fields}


def _value(array: _Array) -> str | float:
    kind, data = array.parts[0]
    if array.kind == _TEXT:
        return data.decode(_CODES[kind])
    (number,) = struct.unpack(f"<{_NUMBERS[kind]}", data)
    return float(number)
