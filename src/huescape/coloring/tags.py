"""Tags as TIFF files and EXIF blocks store them: read, changed and written, never interpreted.

What nobody here understands, such as a maker's note or a private tag, stays what it is byte by
byte; only addresses are new where a directory is written again.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

Order = Literal["<", ">"]

ORIENTATION = 0x0112
#: EXIF, GPS and interoperability: tags that lead to a directory of more tags.
_LEADS_BELOW = (0x8769, 0x8825, 0xA005)
#: Bytes of a value of each type of TIFF 6.0, and of its two later ones.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SWAPPED = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
_SHORT, _LONG, _RATIONAL, _UNDEFINED = 3, 4, 5, 7
_HEADER = 8


class TagError(ValueError):
    """Bytes that are no TIFF structure, or a damaged one."""


@dataclass(frozen=True)
class Field:
    """The value of a tag.

    Attributes:
        kind: type by its number in TIFF 6.0.
        content: the values as they are stored, in the byte order of their block.
        below: the directory that it leads to, instead of content.
    """

    kind: int
    content: bytes = b""
    below: Tags | None = None


class Tags(dict[int, Field]):
    """A directory: its fields by their number."""


def shorts(order: Order, *values: int) -> Field:
    """A field of 16-bit numbers."""
    return Field(_SHORT, struct.pack(f"{order}{len(values)}H", *values))


def rational(order: Order, numerator: int, denominator: int) -> Field:
    """A field of one fraction."""
    return Field(_RATIONAL, struct.pack(f"{order}2I", numerator, denominator))


def undefined(content: bytes) -> Field:
    """A field of bytes."""
    return Field(_UNDEFINED, content)


def read_tags(block: bytes | memoryview) -> tuple[Order, Tags]:
    """Byte order and first directory of a TIFF file or EXIF block, with those below it.

    Single fields that are damaged are left out. Raises TagError where there is no directory.
    """
    order, at = _header(block)
    return order, _Reader(block, order).directory(at, 0)


def without(block: bytes, tag: int) -> bytes:
    """A block that says the same but for a tag; empty for what is no TIFF structure."""
    try:
        order, tags = read_tags(block)
    except TagError:
        return b""
    return to_block(order, Tags({key: field for key, field in tags.items() if key != tag}))


def to_block(order: Order, tags: Tags) -> bytes:
    """A block of a header and `tags`."""
    return struct.pack(f"{order}2sHI", _mark(order), 42, _HEADER) + packed(order, tags, _HEADER)


def packed(order: Order, tags: Tags, at: int) -> bytes:
    """A directory for the place `at` of a file, an even number, with all that belongs to it.

    No other directory follows it.
    """
    entries, data = [], b""
    begin = at + 2 + 12 * len(tags) + 4
    for tag, field in sorted(tags.items()):
        here = begin + len(data)
        if field.below is not None:
            value = struct.pack(f"{order}I", here)
            data += packed(order, field.below, here)
        elif len(field.content) <= 4:
            value = field.content.ljust(4, b"\0")
        else:
            value = struct.pack(f"{order}I", here)
            data += field.content + b"\0" * (len(field.content) % 2)
        kind = _LONG if field.below is not None else field.kind
        count = 1 if field.below is not None else len(field.content) // _BYTES[kind]
        entries.append(struct.pack(f"{order}HHI", tag, kind, count) + value)
    return b"".join([struct.pack(f"{order}H", len(tags)), *entries, b"\0" * 4, data])


def in_order(tags: Tags, before: Order, after: Order) -> Tags:
    """The same values in another byte order; bytes of unknown meaning stay."""
    if before == after:
        return tags
    return Tags({tag: _swapped(field, before, after) for tag, field in tags.items()})


def upright(block: bytes) -> bytes:
    """A block whose orientation, if it has one, is 1; all other bytes as they are.

    What is no TIFF structure comes back unchanged.
    """
    try:
        order, at = _header(block)
        count = _unpack(block, f"{order}H", at)[0]
        entries = range(at + 2, at + 2 + 12 * count, 12)
        places = [e for e in entries if _unpack(block, f"{order}H", e)[0] == ORIENTATION]
    except TagError:
        return block
    entry = struct.pack(f"{order}HHIHH", ORIENTATION, _SHORT, 1, 1, 0)
    places = [place for place in places if block[place : place + 12] != entry]
    if not places:  # a whole TIFF may be large
        return block
    out = bytearray(block)
    for place in places:
        out[place : place + 12] = entry
    return bytes(out)


def _header(block: bytes | memoryview) -> tuple[Order, int]:
    for order in ("<", ">"):
        if bytes(block[:4]) == struct.pack(f"{order}2sH", _mark(order), 42):
            at = _unpack(block, f"{order}I", 4)[0]
            return order, at
    raise TagError("no TIFF structure")


def _mark(order: str) -> bytes:
    return b"II" if order == "<" else b"MM"


class _Reader:
    """Reads at most as many bytes of entries and values as the block has: they may share a place.

    So that no block takes more memory or time than one of its size that is sound.
    """

    def __init__(self, block: bytes | memoryview, order: Order) -> None:
        self.block, self.order, self.left = block, order, len(block)

    def directory(self, at: int, depth: int) -> Tags:
        count = _unpack(self.block, f"{self.order}H", at)[0]
        if 12 * count > self.left:
            raise TagError("has more entries than bytes")
        self.left -= 12 * count
        tags = Tags()
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag = _unpack(self.block, f"{self.order}H", entry)[0]
            field = self._below(entry, depth) if tag in _LEADS_BELOW else self._field(entry)
            if field is not None:
                tags[tag] = field
        return tags

    def _below(self, entry: int, depth: int) -> Field | None:
        if depth == len(_LEADS_BELOW):
            return None
        try:
            at = _unpack(self.block, f"{self.order}I", entry + 8)[0]
            return Field(_LONG, below=self.directory(at, depth + 1))
        except TagError:
            return None

    def _field(self, entry: int) -> Field | None:
        kind, count, address = _unpack(self.block, f"{self.order}HII", entry + 2)
        size = count * _BYTES.get(kind, 0)
        begin = entry + 8 if size <= 4 else address
        if kind not in _BYTES or begin + size > len(self.block) or size > self.left:
            return None
        self.left -= size
        return Field(kind, bytes(self.block[begin : begin + size]))


def _swapped(field: Field, before: Order, after: Order) -> Field:
    if field.below is not None:
        return Field(field.kind, below=in_order(field.below, before, after))
    width = _SWAPPED.get(field.kind, 1)
    values = [field.content[at : at + width] for at in range(0, len(field.content), width)]
    return Field(field.kind, b"".join(value[::-1] for value in values))


def _unpack(block: bytes | memoryview, form: str, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, block, at)
    except struct.error as error:
        raise TagError("ends within a directory") from error
