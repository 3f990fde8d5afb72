"""A network's outputs for lightness of any size: padded, and scaled up where it is to see more.

Shape suffixes: N photos, H rows and W columns, C outputs (bins, or 2 of chroma); h, w are H, W
divided by the network's stride and rounded up.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, amax, amin, channels_last

from huescape.networks import Network
from huescape.params.base import Head

#: Of a probability, where its logarithm is taken: far below what a softmax in float32 tells apart.
LEAST = 1e-12


def as_it_is(network: Network, input_N1HW: Tensor) -> Tensor:
    """Output (N, C, h, w), float32; the input is padded at the bottom and right, by reflection."""
    height, width = input_N1HW.shape[-2:]
    padded_N1HW = _pad(input_N1HW, network.multiple)
    output_NChw: Tensor = network(padded_N1HW.contiguous(memory_format=channels_last))
    h, w = -(-height // network.stride), -(-width // network.stride)
    return output_NChw[..., :h, :w].float()


def enlarged(network: Network, input_N1HW: Tensor, factor: float, head: Head) -> Tensor:
    """Output (N, C, h, w), float32, for the input scaled up by `factor`, on the input's own grid.

    Both grids begin and end with the same pixels. Of bins it is probabilities that are averaged,
    and the result is their logarithms.
    """
    whole_N1HW = _pad(input_N1HW, network.stride)
    h, w = (side // network.stride for side in whole_N1HW.shape[-2:])
    size = network.stride * round(factor * h), network.stride * round(factor * w)
    large_N1HW = F.interpolate(whole_N1HW, size, mode="bicubic", align_corners=False)
    # Cubic curves overshoot at edges; each photo keeps its own darkest and lightest.
    low_N111, high_N111 = (f(input_N1HW, dim=(1, 2, 3), keepdim=True) for f in (amin, amax))
    large_N1HW = large_N1HW.clamp(low_N111, high_N111)
    output_NChw = as_it_is(network, large_N1HW)
    if head == "chroma":
        return _resized(output_NChw, (h, w))
    return _resized(output_NChw.softmax(dim=1), (h, w)).clamp_min(LEAST).log()


def _resized(x_NChw: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x_NChw, size, mode="bilinear", align_corners=False, antialias=True)


def _pad(x_N1HW: Tensor, multiple: int) -> Tensor:
    """Reflect bottom and right up to a multiple; repeat the edge where there is too little."""
    height, width = x_N1HW.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if bottom == right == 0:
        return x_N1HW
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(x_N1HW, (0, right, 0, bottom), mode=mode)
