"""What the losses share: their buffers, and the flat view of outputs and targets.

Shape suffixes: N photos, C channels, Q bins, h, w rows and columns of the targets, K bins of a
target, 2 chroma channels, P pixels (N, h, w flattened).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.losses.options import Reduction
from huescape.losses.pixel_blocks import full_dtype
from huescape.losses.targets import Targets
from huescape.params.base import Head


@dataclass(frozen=True)
class Bins:
    """The bins of a quantizer: centers in normalized chroma; the weight of each class, if known.

    `chroma_scale` is the unit of normalized chroma: 110 in Lab.
    """

    centers_Q2: Tensor
    weights_Q: Tensor | None = None
    chroma_scale: float = 1.0


class Loss(nn.Module):
    """An output and its `Targets` to a scalar: what every loss is.

    The bins are the first argument of the constructor; all others are options. They move to a
    device with the loss, and are no part of its state dict: they come from the quantizer's files.

    Args:
        weighted: whether to weigh pixels by the class weight of their most likely bin.
        reduction: `pixel`, the mean over the unmasked pixels of the batch, or `photo`, the sum over
            those of a photo, as a mean over the photos.
    Attributes:
        head: what it compares: distributions over bins, or chroma.
        beside: what it compares besides, which the network has to give in training.
        unit: what the loss is multiplied by besides, for the sake of its units.
        scattered: whether it takes positions without their neighbors.
    Raises:
        ParamsError: weights that are asked for are missing, or not one for each bin.
    """

    head: Head = "bins"
    beside: Head | None = None
    class_weights_Q: Tensor | None
    centers_Q2: Tensor
    unit: float = 1.0
    scattered: bool = True

    def __init__(self, bins: Bins, weighted: bool = False, reduction: Reduction = "pixel") -> None:
        super().__init__()
        self.reduction = reduction
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
        share_P = pixel_shares(targets, dtype, self.reduction).reshape(-1)
        if self.class_weights_Q is not None:
            weights_Q = self.class_weights_Q.to(dtype)
            share_P = share_P * weights_Q[most_likely_bin(index_PK, target_PK)]
        return FlatBatch(index_PK, target_PK, share_P)

    def per_pixel(self, loss: Tensor, mask_Nhw: Tensor) -> Tensor:
        """`loss` as a mean over unmasked pixels, in normalized chroma, whatever the reduction.

        `mask_Nhw` is that of the whole batch.

        This is what is shown and recorded: it compares between crops and whole photos, and between
        systems.
        """
        if self.reduction == "pixel":
            return loss
        return loss * (len(mask_Nhw) / mask_Nhw.sum().clamp(min=1)) / self.unit


@dataclass(frozen=True)
class FlatBatch:
    """The targets of a batch as rows of pixels.

    Attributes:
        index_PK: int64, the bins of the targets.
        target_PK: float32 or float64, the weights of those bins; they sum to 1.
        share_P: the weight of each pixel in the loss: its class weight times its share (see
            `pixel_shares`).
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


def pixel_shares(targets: Targets, dtype: torch.dtype, reduction: Reduction) -> Tensor:
    """What an unmasked pixel counts (N, h, w): 1/M of the M of the batch, or 1 / its photos.

    Masked ones count 0. The batch is the whole one, where this is a part of it.
    """
    pixels_Nhw, whole_Mhw = targets.mask_Nhw.to(dtype), targets.batch_Mhw
    if reduction == "photo":
        return pixels_Nhw / max(1, len(whole_Mhw))
    return pixels_Nhw / whole_Mhw.to(dtype).sum().clamp(min=1)


def most_likely_bin(index_PK: Tensor, target_PK: Tensor) -> Tensor:
    """The bin of the highest weight (P,); the lowest of those at a tie.

    Not argmax, which promises nothing at a tie: a GPU may then pick another class weight.
    """
    if index_PK.shape[1] == 1:
        return index_PK[:, 0]
    lower_PK = target_PK < target_PK.amax(1, keepdim=True)
    # In float32, exact up to 2^24 bins: on a CPU the minimum of integers takes 20 times as long.
    return index_PK.float().masked_fill(lower_PK, torch.inf).amin(1).long()
