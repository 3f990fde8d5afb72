"""What the losses share: their buffers, and the flat view of outputs and targets.

Shape suffixes: N photos, C channels, Q bins, h, w rows and columns of the targets, K bins of a
target, 2 chroma channels, P pixels (N, h, w flattened).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.losses.pixel_blocks import full_dtype
from huescape.losses.targets import Targets
from huescape.params.base import Head


@dataclass(frozen=True)
class Bins:
    """The bins of a quantizer: centers in normalized chroma; the weight of each class, if known."""

    centers_Q2: Tensor
    weights_Q: Tensor | None = None


class Loss(nn.Module):
    """An output and its `Targets` to a scalar: what every loss is.

    The bins are the first argument of the constructor; all others are options. They move to a
    device with the loss, and are no part of its state dict: they come from the quantizer's files.

    Args:
        weighted: whether to weigh pixels by the class weight of their most likely bin.
    Attributes:
        head: what it compares: distributions over bins, or chroma.
    Raises:
        ParamsError: weights that are asked for are missing, or not one for each bin.
    """

    head: Head = "bins"
    class_weights_Q: Tensor | None
    centers_Q2: Tensor

    def __init__(self, bins: Bins, weighted: bool = False) -> None:
        super().__init__()
        class_weights_Q, centers_Q2 = bins.weights_Q if weighted else None, bins.centers_Q2
        if weighted and (class_weights_Q is None or len(class_weights_Q) != len(centers_Q2)):
            given = "none" if class_weights_Q is None else str(len(class_weights_Q))
            raise ParamsError(
                f"loss.weighted needs {len(centers_Q2)} class weights; given: {given}"
            )
        self.register_buffer("class_weights_Q", class_weights_Q, persistent=False)
        self.register_buffer("centers_Q2", centers_Q2, persistent=False)

    def flat(self, logits_NQhw: Tensor, targets: Targets) -> FlatBatch:
        """The targets, one row per pixel; see `FlatBatch`. HuescapeError for those without bins."""
        dtype = full_dtype(logits_NQhw.dtype)
        index_PK, target_PK = targets.flat_bins(dtype)
        share_P = pixel_shares(targets.mask_Nhw, dtype).reshape(-1)
        if self.class_weights_Q is not None:
            weights_Q = self.class_weights_Q.to(dtype)
            share_P = share_P * weights_Q[most_likely_bin(index_PK, target_PK)]
        return FlatBatch(index_PK, target_PK, share_P)


@dataclass(frozen=True)
class FlatBatch:
    """The targets of a batch as rows of pixels.

    Attributes:
        index_PK: int64, the bins of the targets.
        target_PK: float32 or float64, the weights of those bins; they sum to 1.
        share_P: the weight of each pixel in the loss: its class weight divided by the number of
            unmasked pixels, 0 for a masked one.
    """

    index_PK: Tensor
    target_PK: Tensor
    share_P: Tensor

    @property
    def weight_PK(self) -> Tensor:
        """What each bin of each pixel counts in the loss."""
        return self.target_PK * self.share_P[:, None]


def full_precision(output_NChw: Tensor) -> Tensor:
    """The output in float32, or as it is in float64."""
    return output_NChw.to(full_dtype(output_NChw.dtype))


def pixel_shares(mask_Nhw: Tensor, dtype: torch.dtype) -> Tensor:
    """1/M at the M unmasked pixels, 0 elsewhere; all 0 when every pixel is masked."""
    pixels_Nhw = mask_Nhw.to(dtype)
    return pixels_Nhw / pixels_Nhw.sum().clamp(min=1)


def most_likely_bin(index_PK: Tensor, target_PK: Tensor) -> Tensor:
    """The bin of the highest weight (P,); the lowest of those at a tie.

    Not argmax, which promises nothing at a tie: a GPU may then pick another class weight.
    """
    if index_PK.shape[1] == 1:
        return index_PK[:, 0]
    lower_PK = target_PK < target_PK.amax(1, keepdim=True)
    # In float32, exact up to 2^24 bins: on a CPU the minimum of integers takes 20 times as long.
    return index_PK.float().masked_fill(lower_PK, torch.inf).amin(1).long()
