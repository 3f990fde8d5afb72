"""Pixels block by block: every one once, in order, whatever the layout and the precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from huescape.losses import pixel_blocks as module
from huescape.losses.pixel_blocks import pixel_blocks

SHAPES = st.tuples(*(st.integers(1, 5) for _ in range(4)))
LAYOUTS = st.sampled_from([torch.contiguous_format, torch.channels_last])
DTYPES = st.sampled_from([torch.float64, torch.float32, torch.bfloat16])


@contextmanager
def blocks_of(values: int) -> Iterator[None]:
    before, module._BLOCK_VALUES = module._BLOCK_VALUES, values
    try:
        yield
    finally:
        module._BLOCK_VALUES = before


def rows_of(values_NQhw: Tensor) -> Tensor:
    return values_NQhw.movedim(1, -1).reshape(-1, values_NQhw.shape[1])


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, size=st.integers(1, 200), layout=LAYOUTS, dtype=DTYPES)
def test_blocks_are_the_rows_in_order(
    shape: tuple[int, ...], size: int, layout: torch.memory_format, dtype: torch.dtype
) -> None:
    values = torch.randn(shape).to(dtype).contiguous(memory_format=layout)
    copy = torch.zeros_like(values)
    read, seen = [], []
    with blocks_of(size):
        for block in pixel_blocks(values):
            read.append(block.read(values))
            seen += list(range(*block.rows.indices(shape[0] * shape[2] * shape[3])))
            assert len(read[-1]) == block.rows.stop - block.rows.start
            assert read[-1].is_contiguous()
            out = block.buffer(copy)
            out.copy_(read[-1])
            block.write(copy, out)
    assert seen == list(range(shape[0] * shape[2] * shape[3]))
    assert torch.equal(torch.cat(read), rows_of(values).to(read[0].dtype))
    assert torch.equal(copy, values)


def test_a_block_holds_what_it_may_and_at_least_a_row_of_the_image() -> None:
    values = torch.zeros(3, 10, 8, 4)  # 320 values a photo, 40 a row
    for size, expected in ((700, [64, 32]), (320, [32] * 3), (319, [28, 4] * 3), (1, [4] * 24)):
        with blocks_of(size):
            found = [block.rows.stop - block.rows.start for block in pixel_blocks(values)]
        assert found == expected


def test_dense_float32_rows_are_computed_in_place() -> None:
    values = torch.zeros(2, 5, 3, 3).contiguous(memory_format=torch.channels_last)
    (block,) = pixel_blocks(values)
    assert block.read(values).data_ptr() == block.buffer(values).data_ptr() == values.data_ptr()
    half = values.bfloat16()
    assert block.buffer(half).dtype == torch.float32


def test_other_devices_take_everything_at_once() -> None:
    values = torch.zeros(40, 313, 64, 64, device="meta")
    (block,) = pixel_blocks(values)
    assert block.rows == slice(0, 40 * 64 * 64)


@pytest.mark.parametrize("shape", [(0, 5, 3, 3), (2, 5, 0, 3), (2, 5, 3, 0)])
def test_nothing_is_read_from_nothing(shape: tuple[int, ...]) -> None:
    values = torch.zeros(shape)
    assert sum(block.read(values).numel() for block in pixel_blocks(values)) == 0
