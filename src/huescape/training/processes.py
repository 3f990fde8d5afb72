"""One training in many processes (`distributed.group`): each has a part of every batch.

Where there is one process, nothing here does anything. Losses are such that their mean over the
processes is that of the whole batch, as `DistributedDataParallel` averages gradients.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from huescape.base.errors import ParamsError
from huescape.distributed.group import count, number
from huescape.training.synchronized import synchronize

# Its name in torch 2.13, and before.
_NAMES = ("forward_sync_buffers", "broadcast_buffers")
_ACCEPTED = signature(DistributedDataParallel).parameters
# The buffers are the same everywhere.
_NO_BUFFERS: dict[str, Any] = {next(name for name in _NAMES if name in _ACCEPTED): False}


def part(photos: int) -> slice | None:
    """Which photos of every batch are this process's; None for all.

    Raises ParamsError where there are fewer photos than processes.
    """
    processes = count()
    if processes == 1:
        return None
    insist_on_photos(photos, processes)
    rank = number()
    return slice(rank * photos // processes, (rank + 1) * photos // processes)


def insist_on_photos(photos: int, processes: int) -> None:
    """Raise ParamsError for a batch of fewer photos than processes."""
    if photos < processes:
        raise ParamsError(
            f"systems.<name>.batch is {photos}; allowed with {processes} processes: {processes} "
            "or more"
        )


def spread(network: nn.Module, *, some_unused: bool = False) -> nn.Module:
    """`network` as what many processes run, which average its gradients and share its batch norm.

    Its weights are those of the first process from now on. `some_unused` says that not every
    parameter has a gradient.
    """
    device = next(network.parameters()).device
    synchronize(network, device)
    return DistributedDataParallel(
        network,
        **_NO_BUFFERS,
        gradient_as_bucket_view=True,
        find_unused_parameters=some_unused,
    )


def scaled(loss: Tensor) -> Tensor:
    """This process's part of a loss, so that the mean over the processes is the whole."""
    return loss * count() if count() > 1 else loss


def mean(values: Tensor) -> Tensor:
    """The mean over the processes."""
    if count() > 1:
        dist.all_reduce(values)
        values /= count()
    return values
