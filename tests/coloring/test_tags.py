"""Tags are kept byte by byte, in either byte order, and damage is no trap."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from huescape.coloring.tags import Field, TagError, Tags, in_order, read_tags, to_block, upright

MAKER_NOTE = bytes(range(256)) * 3


def exif_block(order: str = "<", orientation: int = 6) -> bytes:
    """A camera's block, by Pillow, in either byte order."""
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F] = "A maker"
    exif[0x0112] = orientation
    exif[0x011A] = 300.5
    exif._ifds[0x8769] = {0x829A: 1 / 250, 0x927C: MAKER_NOTE, 0xA005: {1: "R98"}}
    exif._ifds[0x8825] = {1: "N", 2: (47.0, 30.0, 1.5)}
    return exif.tobytes().removeprefix(b"Exif\0\0")


def meaning(block: bytes) -> dict[int, object]:
    """What Pillow reads in a block, directories below included."""
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + block)
    found = {tag: value for tag, value in exif.items() if tag not in (0x8769, 0x8825)}
    below = {tag: dict(exif.get_ifd(tag)) for tag in (0x8769, 0x8825, 0xA005)}
    below[0x8769].pop(0xA005)  # an address
    return found | below


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_the_orientation_changes(order: str) -> None:
    before = exif_block(order)
    assert before[:2] == (b"II" if order == "<" else b"MM")
    after = upright(before)
    assert meaning(after) == {**meaning(before), 0x0112: 1}
    changed = [k for k in range(len(before)) if before[k] != after[k]]
    assert len(changed) == 1
    assert upright(after) is after


def test_a_block_without_one_stays_as_it_is() -> None:
    for block in (to_block("<", Tags()), b"", b"II*\0", b"anything", b"II*\0\xff\xff\xff\xff"):
        assert upright(block) == block


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_directory_written_again_says_the_same(order: str) -> None:
    before = exif_block(order)
    found, tags = read_tags(before)
    assert found == order
    after = to_block(found, tags)
    assert meaning(after) == meaning(before)
    assert meaning(after)[0x8769][0x927C] == MAKER_NOTE


@pytest.mark.parametrize(("before", "after"), [("<", ">"), (">", "<")])
def test_in_the_other_byte_order_it_says_the_same(before: str, after: str) -> None:
    block = exif_block(before)
    turned = to_block(after, in_order(read_tags(block)[1], before, after))
    assert turned[:2] == (b"II" if after == "<" else b"MM")
    assert meaning(turned) == meaning(block)


@given(st.binary(max_size=300), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]))
def test_no_bytes_are_a_trap(content: bytes, start: bytes) -> None:
    block = start + content
    upright(block)
    try:
        order, tags = read_tags(block)
    except TagError:
        return
    assert read_tags(to_block(order, tags)) == (order, tags)


def test_directories_that_lead_to_each_other_end() -> None:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    _, tags = read_tags(b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4))
    depth = 0
    while tags:
        tags, depth = tags[0x8769].below or Tags(), depth + 1
    assert depth < 5


def test_many_that_lead_to_one_place_take_no_longer_than_one() -> None:
    """A directory of 60 entries that all lead to itself would be read 60^3 times."""
    count = 60
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8) * count
    block = struct.pack("<2sHIH", b"II", 42, 8, count) + entries + b"\0" * 4
    start = time.process_time()
    _, tags = read_tags(block)
    assert time.process_time() - start < 1
    assert set(tags) <= {0x8769}


def test_many_fields_of_one_place_do_not_fill_the_memory() -> None:
    """A megabyte, by 1,000 fields that all say they have all of it."""
    count, size = 1000, 1 << 20
    entries = b"".join(struct.pack("<HHII", tag, 7, size, 100) for tag in range(count))
    block = (b"II*\0" + struct.pack("<IH", 8, count) + entries).ljust(size + 20_000, b"x")
    _, tags = read_tags(block)
    assert sum(len(field.content) for field in tags.values()) <= len(block)


def test_a_tiff_file_is_read_the_same_way() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(stream, "TIFF")
    order, tags = read_tags(memoryview(stream.getvalue()))
    assert tags[256] == Field(4, struct.pack(f"{order}I", 7))
