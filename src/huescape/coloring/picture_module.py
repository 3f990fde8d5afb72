"""A system from picture to picture as one module of torch, of which a graph can be made.

`painting.colorize` without `edges` is what it follows, step by step; every choice that depends on
the picture's size is arithmetic of sizes here, so that one graph serves all of them.

Shape suffixes: H rows and W columns of the picture; h, w of what the network sees; m, n of its
output; Q bins, C outputs (bins, or 2 of chroma).
"""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.color.decoding import Method, decode_unchecked, rarity
from huescape.color.median import weiszfeld
from huescape.color.tensor_space import TensorSpace
from huescape.coloring import resampling
from huescape.coloring.prediction import seen_size
from huescape.networks import Network
from huescape.params.decodings import Decoding
from huescape.systems.prediction import LEAST
from huescape.systems.system import System


class PictureModule(nn.Module):
    """RGB (1, H, W, 3) uint8 to the same picture in color, by one decoding.

    Args:
        system: whose network it is from now on; on the CPU.
        decoding: what a regression has none of.
        size: as in `prediction.predict`.
    Raises:
        ParamsError: decoding `diffuse`, which solves equations of the picture's own.
    """

    centers_Q2: Tensor
    rarity_Q: Tensor | None

    def __init__(self, system: System, decoding: Decoding, size: int | None = None) -> None:
        super().__init__()
        self.network, self.head = _with_pools(system.network), system.head
        self.space = TensorSpace(system.space.name)
        self.offset, self.input_scale = system.space.input_offset, system.space.input_scale
        self.chroma_scale = float(system.space.chroma_scale)
        self.multiple, self.stride = system.network.multiple, system.network.stride
        self.size, self.view = seen_size(system, size), system.params.geometry.view
        self.method, self.temperature = _method(system, decoding), decoding.temperature
        centers_Q2 = torch.as_tensor(system.centers, dtype=torch.float32)
        self.register_buffer("centers_Q2", centers_Q2)
        rarity_Q = rarity(decoding.tau, torch.as_tensor(system.prior)).float()
        self.register_buffer("rarity_Q", rarity_Q if decoding.tau else None)

    def forward(self, picture_1HW3: Tensor) -> Tensor:
        """What `painting.colorize` gives without `edges`, within 4 levels, and most alike."""
        rgb_HW3 = picture_1HW3[0]
        small_hw3 = self._shrunk(rgb_HW3)
        input_hw = (self.space.lightness(small_hw3) - self.offset) / self.input_scale
        output_1Cmn = self._output(input_hw[None, None])
        chroma_2HW = self._spread(self._chroma(output_1Cmn), small_hw3, rgb_HW3)
        return self.space.picture(self.space.lightness(rgb_HW3), chroma_2HW)[None]

    def _shrunk(self, rgb_HW3: Tensor) -> Tensor:
        """`prediction.shrunk`: across first as in Pillow 13, unless much more is lost down.

        Both ways are gone, since no graph has a choice between sizes; what lies between the two
        directions is rounded, so that they differ by a level or two.
        """
        height, width = rgb_HW3.shape[0], rgb_HW3.shape[1]
        sides_2 = resampling.sizes(height, width)
        scale = (self.size / sides_2.max()).clamp(max=1)
        small_2 = (sides_2 * scale).round().clamp(min=1)
        h, w = resampling.lengths(small_2)
        wide_3HW = rgb_HW3.permute(2, 0, 1).float()
        # Not `@`, which would look at whether a side is 1, and serve only pictures alike in that.
        across_3Ww = resampling.lanczos(width, w).T.expand(3, -1, -1)
        down_3hH = resampling.lanczos(height, h).expand(3, -1, -1)
        across_first_3hw = torch.bmm(down_3hH, _levels(torch.bmm(wide_3HW, across_3Ww)))
        down_first_3hw = torch.bmm(_levels(torch.bmm(down_3hH, wide_3HW)), across_3Ww)
        less_height, less_width = (sides_2 - small_2).unbind()
        is_down_first = less_height > (2 * less_width).clamp(min=0)
        small_3hw = _levels(torch.where(is_down_first, down_first_3hw, across_first_3hw))
        return small_3hw.permute(1, 2, 0).to(torch.uint8)

    def _output(self, input_11hw: Tensor) -> Tensor:
        """`System.predict`: what is smaller than the view is enlarged to it before the network."""
        sides_2 = resampling.sizes(*input_11hw.shape[-2:])
        if self.view is None:
            return self._as_it_is(input_11hw, sides_2)
        factor, points_2 = self.view / sides_2.max(), (sides_2 / self.stride).ceil()
        # Where it does not grow, it is not padded here either, and all of this changes nothing.
        padded_2 = torch.where(factor > 1, points_2 * self.stride, sides_2)
        large_2 = torch.where(factor > 1, (points_2 * factor).round() * self.stride, sides_2)
        padded = resampling.lengths(padded_2)
        large = resampling.lengths(large_2)
        whole_11hw = _padded(input_11hw, padded)
        rows, columns = (resampling.cubic(*pair) for pair in zip(padded, large, strict=True))
        large_11hw = (rows @ whole_11hw @ columns.T).clamp(input_11hw.min(), input_11hw.max())
        output_1Cmn = self._as_it_is(large_11hw, large_2)
        size = resampling.lengths(points_2)
        if self.head == "chroma":
            return _averaged(output_1Cmn, size)
        return _averaged(output_1Cmn.softmax(dim=1), size).clamp_min(LEAST).log()

    def _as_it_is(self, input_11hw: Tensor, sides_2: Tensor) -> Tensor:
        """`systems.prediction.as_it_is`, of a picture with `sides_2`."""
        rows, columns = resampling.lengths((sides_2 / self.multiple).ceil())
        whole_11hw = _padded(input_11hw, (rows * self.multiple, columns * self.multiple))
        output_1Cmn: Tensor = self.network(whole_11hw)
        m, n = resampling.lengths((sides_2 / self.stride).ceil())
        return output_1Cmn.index_select(2, torch.arange(m)).index_select(3, torch.arange(n))

    def _chroma(self, output_1Cmn: Tensor) -> Tensor:
        """`System.chroma`, (1, 2, m, n)."""
        if self.head == "chroma":
            return output_1Cmn * self.chroma_scale
        how = self.method, self.temperature, self.rarity_Q
        return decode_unchecked(output_1Cmn, self.centers_Q2, *how, median=weiszfeld)

    def _spread(self, chroma_12mn: Tensor, small_hw3: Tensor, rgb_HW3: Tensor) -> Tensor:
        """`color.decoding.upsample_chroma`, (2, H, W)."""
        x = chroma_12mn[0]
        for dim in (1, 2):
            sizes = small_hw3.shape[dim - 1], rgb_HW3.shape[dim - 1]
            before, after, share = resampling.between(x.shape[dim], self.stride, *sizes)
            share = share[:, None] if dim == 1 else share
            x = torch.lerp(x.index_select(dim, before), x.index_select(dim, after), share)
        return x


class _Pool(nn.Module):
    """An adaptive average pool of a picture of any size, which no graph has of torch's own."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, *size)."""
        rows, columns = (
            resampling.pool(*pair) for pair in zip(x_NCHW.shape[-2:], self.size, strict=True)
        )
        return rows @ x_NCHW @ columns.T


def _with_pools(network: Network) -> Network:
    """The network with each adaptive pool of torch replaced."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d):
                setattr(module, name, _Pool(_pair(child.output_size)))
    return network


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _levels(x: Tensor) -> Tensor:
    """Rounded to levels as Pillow does between the two directions of a resize."""
    return (x + 0.5).floor().clamp(0, 255)


def _padded(x_11hw: Tensor, size: tuple[int, int]) -> Tensor:
    """`systems.prediction._pad`, up to a size."""
    h, w = x_11hw.shape[-2:]
    # Mirrored where both directions leave enough to mirror, else the last one repeated.
    spare_2 = 2 * resampling.sizes(h, w) - resampling.sizes(*size)
    mirrors = spare_2.min() > 0
    rows, columns = (
        resampling.reflected(*pair, mirrors) for pair in zip((h, w), size, strict=True)
    )
    return x_11hw.index_select(2, rows).index_select(3, columns)


def _averaged(x_1Cmn: Tensor, size: tuple[int, int]) -> Tensor:
    rows, columns = (
        resampling.triangle(*pair) for pair in zip(x_1Cmn.shape[-2:], size, strict=True)
    )
    return rows @ x_1Cmn @ columns.T


def _method(system: System, decoding: Decoding) -> Method:
    """How one position is decoded by itself; ParamsError where that takes the others."""
    if decoding.method != "diffuse":
        return decoding.method
    if system.head == "chroma":  # which has nothing to decode
        return "annealed"
    raise ParamsError(
        "--method is diffuse, which solves equations for each photo and is no graph of torch's; "
        f"allowed for export: {', '.join(get_args(Method))}"
    )
