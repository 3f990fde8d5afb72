"""What a network costs, counted on the meta device: no time is measured, so it never varies.

Shape suffixes: N photos, H rows, W columns.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def cost_of(network: nn.Module, size: int) -> dict[str, int | str]:
    """Costs of one photo of `size` x `size` pixels, float32; `size` suits the network's multiple.

    Returns:
        `parameters` and `trained_parameters` (frozen ones are not trained);
        `macs_per_photo_inference` and `macs_per_photo_training` (forward and backward pass):
        multiply-accumulates of convolutions and matrix products, which are nearly all there are;
        `activation_bytes_per_photo`: what the forward pass keeps for the backward pass, without
        the parameters; `input`, the size.
    """
    network = _on_meta(network)
    photo_N1HW = torch.zeros(2, 1, size, size, device="meta")  # 2: batch norm wants more than one
    network.eval()
    with torch.no_grad():
        inference = _macs(lambda: network(photo_N1HW))
    network.train()
    training = _macs(lambda: network(photo_N1HW).sum().backward())
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "trained_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "macs_per_photo_inference": inference // 2,
        "macs_per_photo_training": training // 2,
        "activation_bytes_per_photo": _kept_bytes(network, photo_N1HW) // 2,
        "input": f"{size}x{size}",
    }


def _on_meta(network: nn.Module) -> nn.Module:
    """A copy without values."""
    memo: dict[int, Any] = {}
    for tensor in (*network.parameters(), *network.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        is_parameter = isinstance(tensor, nn.Parameter)
        memo[id(tensor)] = nn.Parameter(empty, tensor.requires_grad) if is_parameter else empty
    return copy.deepcopy(network, memo)


def _macs(run: Any) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops()) // 2


def _kept_bytes(network: nn.Module, photo_N1HW: Tensor) -> int:
    own = {p.untyped_storage()._cdata for p in (*network.parameters(), *network.buffers())}
    kept: dict[int, tuple[Tensor, int]] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = (tensor, storage.nbytes())  # alive, so that no id comes twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(photo_N1HW)
    return sum(size for _, size in kept.values())
