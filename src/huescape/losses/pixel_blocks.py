"""Outputs as rows of pixels, made one block at a time: no copy of a whole output is needed.

The logits of a batch are the largest array of a training step. A block of them fits the cache,
where a change of layout, a widening to float32 and a few passes cost little more than one read.

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets, P pixels (N, h, w
flattened), R pixels of a block, M photos and m rows of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

# Logits handled together: small enough that a block and its temporaries (6 MB) stay in the
# cache, where four passes over it cost little more than one over memory.
_BLOCK_VALUES = 1 << 19


def full_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 for float64, else float32: a loss of bfloat16 has two digits."""
    return torch.float64 if dtype == torch.float64 else torch.float32


@dataclass(frozen=True)
class PixelBlock:
    """Pixels handled together: some whole photos, or some image rows of one.

    Attributes:
        rows: which of the P pixels.
        photos, lines: the same as photos and image rows.
    """

    rows: slice
    photos: slice
    lines: slice

    def of(self, values_NQhw: Tensor) -> Tensor:
        """The block's part of an array, as a view (M, m, w, Q)."""
        return values_NQhw.permute(0, 2, 3, 1)[self.photos, self.lines]

    def read(self, values_NQhw: Tensor) -> Tensor:
        """The block's part (R, Q), dense, in full precision; a view where it lies so already."""
        part_MmwQ = self.of(values_NQhw)
        dense_MmwQ = part_MmwQ.to(full_dtype(values_NQhw.dtype)).contiguous()
        return dense_MmwQ.reshape(-1, values_NQhw.shape[1])

    def buffer(self, values_NQhw: Tensor) -> Tensor:
        """Where to compute what `write` is to store (R, Q): the place itself if it will do."""
        place_MmwQ = self.of(values_NQhw)
        if place_MmwQ.dtype == full_dtype(place_MmwQ.dtype) and place_MmwQ.is_contiguous():
            return place_MmwQ.view(-1, values_NQhw.shape[1])
        shape = (place_MmwQ.shape[:3].numel(), values_NQhw.shape[1])
        return torch.empty(shape, dtype=full_dtype(place_MmwQ.dtype), device=place_MmwQ.device)

    def write(self, values_NQhw: Tensor, computed_RQ: Tensor) -> None:
        """Store what `buffer` gave, rounded to the array's own precision."""
        place_MmwQ = self.of(values_NQhw)
        if computed_RQ.data_ptr() != place_MmwQ.data_ptr():
            place_MmwQ.copy_(computed_RQ.view(place_MmwQ.shape))


def pixel_blocks(values_NQhw: Tensor) -> Iterator[PixelBlock]:
    """All pixels in order, in blocks: on a CPU such as fit its cache, elsewhere in one."""
    photos, channels, lines, columns = values_NQhw.shape
    fitting = values_NQhw.numel()
    if values_NQhw.device.type == "cpu":
        fitting = max(1, _BLOCK_VALUES // max(1, channels))
    together = max(1, fitting // max(1, lines * columns))
    step = lines if together > 1 else max(1, fitting // max(1, columns))
    for photo in range(0, photos, together):
        last = min(photo + together, photos)
        for line in range(0, lines, max(1, step)):
            end = min(line + step, lines)
            first = (photo * lines + line) * columns
            rows = slice(first, ((last - 1) * lines + end) * columns)
            yield PixelBlock(rows, slice(photo, last), slice(line, end))
