"""A plain training loop: torch's own modules, losses and optimizer, as one writes them.

No benchmark of its own. Shape suffixes: N photos, 1 channel, H rows, W columns, h, w rows and
columns of the targets, Q bins, K bins of a target, c bins of either kind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape.losses import Targets
from huescape.networks.blocks import UpConv
from huescape.training.batches import Batch


class PlainLoop:
    """Stock modules, loss and Adam on the CPU, with the weights of `network`, which it takes over.

    What one writes first is contiguous and of the network's own precision; with `bfloat16` the
    network runs channels-last in torch's autocast, and the loss reads pixels as rows.
    """

    def __init__(
        self, name: str, network: nn.Module, classes_Q: Tensor, *, bfloat16: bool = False
    ) -> None:
        self.network, self.classes_Q, self.bfloat16 = network.train(), classes_Q, bfloat16
        self.layout = torch.channels_last if bfloat16 else torch.contiguous_format
        network.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.forward = plain_forward(name, network)
        self.optimizer = torch.optim.Adam(network.parameters(), 1e-4)

    def step(self, batch: Batch) -> None:
        """One update."""
        self.optimizer.zero_grad()
        self.loss(batch).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def loss(self, batch: Batch) -> Tensor:
        """Weighted cross entropy of what the network gives."""
        input_N1HW = batch.input_N1HW.contiguous(memory_format=self.layout)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            logits_NQhw = self.forward(input_N1HW)
        if self.bfloat16:
            logits_NQhw = logits_NQhw.float()
        return stock_loss(logits_NQhw, batch.targets, self.classes_Q, rows=self.bfloat16)


def stock_loss(logits_NQhw: Tensor, targets: Targets, classes_Q: Tensor, *, rows: bool) -> Tensor:
    """`cross_entropy` of hard bins, log-softmax and gather of weighted ones; no pixel is masked.

    With `rows` the bins are the last axis, which is the fast form of channels-last logits.
    """
    index, weight = targets.index_NhwK, targets.weight_NhwK
    assert index is not None
    bins = _bins_of_rows if rows else _bins_of_arrays
    logits = bins(logits_NQhw.permute(0, 2, 3, 1))
    if weight is None:
        hard = bins(index)[:, 0]
        return F.cross_entropy(logits, hard, classes_Q, reduction="none").mean()
    picked = F.log_softmax(logits, dim=1).gather(1, bins(index))
    likely = index.gather(-1, weight.argmax(-1, keepdim=True))
    pixels = (picked * bins(weight)).sum(1)
    return -(pixels * classes_Q[bins(likely)[:, 0]]).mean()


def _bins_of_rows(x_Nhwc: Tensor) -> Tensor:
    return x_Nhwc.reshape(-1, x_Nhwc.shape[-1])


def _bins_of_arrays(x_Nhwc: Tensor) -> Tensor:
    return x_Nhwc.movedim(-1, 1)


def plain_forward(name: str, network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The forward pass of `network` with torch's own modules and functions alone.

    Changes the network: its transposed convolutions become torch's, weights and names stay.
    """
    for module in network.modules():
        if isinstance(module, UpConv):
            module.__class__ = nn.ConvTranspose2d
    return partial(_plain_unet, network) if name == "colorunet" else network


def _plain_unet(network: Any, x_N1HW: Tensor) -> Tensor:
    """ColorUNet's layers in the order of its table, skips included."""

    def down(block: Any, x: Tensor) -> Tensor:
        x = F.relu(block.conv2(F.relu(block.conv1(x))))
        pooled: Tensor = block.norm(F.max_pool2d(x, 2))
        return pooled

    def up(block: Any, x: Tensor) -> Tensor:
        x = F.relu(block.up(x))
        for conv in block.convs:
            x = F.relu(conv(x))
        result: Tensor = block.norm(x)
        return result

    half = down(network.down1, x_N1HW)
    quarter = down(network.down2, half)
    decoded = up(network.up1, down(network.down3, quarter))
    decoded = up(network.up2, torch.cat((decoded, quarter), 1))
    logits: Tensor = network.head(up(network.up3, torch.cat((decoded, half), 1)))
    return logits
