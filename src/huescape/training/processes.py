"""One training in many processes, which torchrun starts: each has a part of every batch.

All is torch's own (`torch.distributed`); where there is one process, nothing here does anything.
What is said, written and shown is the first process's. Losses are such that their mean over the
processes is that of the whole batch, as `DistributedDataParallel` averages gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from inspect import signature
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError
from huescape.training.synchronized import synchronize

T = TypeVar("T")

# Its name in torch 2.13, and before.
_NAMES = ("forward_sync_buffers", "broadcast_buffers")
_ACCEPTED = signature(DistributedDataParallel).parameters
# The buffers are the same everywhere.
_NO_BUFFERS: dict[str, Any] = {next(name for name in _NAMES if name in _ACCEPTED): False}

#: Exit code of a process that ends because another one did; that one says why.
LEFT_ALONE = 75

# torchrun ends all processes when one ends. Waiting for one that verifies shards or saves is right,
# however long it takes.
_PATIENCE = timedelta(days=1)


def count() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that speaks and writes."""
    return not dist.is_initialized() or dist.get_rank() == 0


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """Within, this process trains with those that torchrun started beside it, if it started it.

    Ends the process with `LEFT_ALONE` where another of them is gone. Raises HuescapeError where
    they cannot reach one another.
    """
    if not runtime.is_rank() or dist.is_initialized():
        yield
        return
    if device.type == "cuda" and device.index is not None:  # one of a host may leave it to torch
        torch.cuda.set_device(device)
    _meet("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    except (RuntimeError, ConnectionError) as error:
        if not _is_of_another(error):
            raise
        raise SystemExit(LEFT_ALONE) from error
    dist.destroy_process_group()


def part(photos: int) -> slice | None:
    """Which photos of every batch are this process's; None for all.

    Raises ParamsError where there are fewer photos than processes.
    """
    processes = count()
    if processes == 1:
        return None
    insist_on_photos(photos, processes)
    rank = dist.get_rank()
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


def any_wants(this_one_wants: bool) -> bool:
    """Whether at least one process wants to; all of them get the same answer."""
    if count() == 1:
        return this_one_wants
    wanting = torch.tensor(int(this_one_wants))
    dist.all_reduce(wanting)
    return bool(wanting)


def of_the_first(make: Callable[[], T]) -> T:
    """What `make` gives in the first process, in every process."""
    if count() == 1:
        return make()
    made: list[T | None] = [make() if is_first() else None]
    dist.broadcast_object_list(made, device=torch.device("cpu"))
    found = made[0]
    assert found is not None
    return found


def _meet(backend: str) -> None:
    try:
        dist.init_process_group(backend, timeout=_PATIENCE)
    except (RuntimeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise HuescapeError(f"the processes cannot reach one another: {reason}") from error


def _is_of_another(error: Exception) -> bool:
    """Whether what failed is the connection to another process; gloo has no error of its own."""
    known = dist.DistError, ConnectionError
    return isinstance(error, known) or "gloo" in str(error).lower()
