"""What a batch is trained towards: sparse distributions over bins, or chroma.

Sparse, because an array of Q channels would be the largest one of a training step.

Shape suffixes: N photos, h, w rows and columns of the targets, K bins of a target, 2 chroma
channels, P pixels (N, h, w flattened).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from huescape.base.errors import HuescapeError


@dataclass(frozen=True)
class Targets:
    """The targets of a batch of photos, of bins or of chroma.

    Attributes:
        mask_Nhw: bool, False where there is no photo (padding).
        index_NhwK: integers, the K bins of each pixel, all different; K = 1 but for soft targets.
        weight_NhwK: floats that sum to 1 over K, or None for equal ones.
        chroma_N2hw: floats, chroma divided by the space's `chroma_scale`, about -1 to 1.
        whole_Mhw: the mask of the whole batch, where this is one process's part of it.
    """

    mask_Nhw: Tensor
    index_NhwK: Tensor | None = None
    weight_NhwK: Tensor | None = None
    chroma_N2hw: Tensor | None = None
    whole_Mhw: Tensor | None = None

    @property
    def batch_Mhw(self) -> Tensor:
        """The mask of the whole batch: what losses are means over, whoever has which part."""
        return self.mask_Nhw if self.whole_Mhw is None else self.whole_Mhw

    def to(self, device: torch.device | str) -> Targets:
        """The same targets on another device."""
        return Targets(
            self.mask_Nhw.to(device),
            *(
                None if tensor is None else tensor.to(device)
                for tensor in (
                    *(self.index_NhwK, self.weight_NhwK),
                    *(self.chroma_N2hw, self.whole_Mhw),
                )
            ),
        )

    def at(self, positions_NP: Tensor) -> Targets:
        """Those at P positions of each photo, as a row of targets: h is 1, w is P.

        `positions_NP` counts the h x w positions of a photo row by row.
        """
        spatial = (self.mask_Nhw, self.index_NhwK, self.weight_NhwK)
        picked = [
            None if x is None else _picked(x.flatten(1, 2), positions_NP)[:, None] for x in spatial
        ]
        chroma = self.chroma_N2hw
        if chroma is not None:
            chroma = at_positions(chroma, positions_NP)
        mask = picked[0]
        assert mask is not None
        return Targets(mask, picked[1], picked[2], chroma)

    def flat_bins(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """The bins of every pixel and their weights: (P, K) int64 and (P, K) of `dtype`.

        Raises HuescapeError for targets without bins.
        """
        if self.index_NhwK is None:
            raise HuescapeError(
                "this loss compares distributions over bins, and the targets are chroma; "
                "encode.method of its quantizer: soft, hard or cell"
            )
        index_PK = self.index_NhwK.reshape(-1, self.index_NhwK.shape[-1]).long()
        if self.weight_NhwK is None:
            return index_PK, torch.full_like(index_PK, 1 / index_PK.shape[1], dtype=dtype)
        return index_PK, self.weight_NhwK.reshape(index_PK.shape).to(dtype)

    def chroma(self, dtype: torch.dtype) -> Tensor:
        """Chroma (N, 2, h, w) of `dtype`; HuescapeError for targets of bins."""
        if self.chroma_N2hw is None:
            raise HuescapeError(
                "this loss compares chroma, and the targets are bins; "
                "encode.method of its quantizer: chroma"
            )
        return self.chroma_N2hw.to(dtype)


def at_positions(output_NChw: Tensor, positions_NP: Tensor) -> Tensor:
    """An output at P positions of each photo (N, C, 1, P); see `Targets.at`."""
    picked_NPC = _picked(output_NChw.movedim(1, -1).flatten(1, 2), positions_NP)
    return picked_NPC[:, None].movedim(-1, 1)


def _picked(values: Tensor, positions_NP: Tensor) -> Tensor:
    """The (N, P, …) of values (N, positions, …) at some positions."""
    each = values.shape[1]
    start_N1 = torch.arange(len(values), device=values.device)[:, None] * each
    picked = values.flatten(0, 1).index_select(0, (start_N1 + positions_NP).flatten())
    return picked.reshape(*positions_NP.shape, *values.shape[2:])
