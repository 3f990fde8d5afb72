"""The processes that torchrun started for one stage: how many, which is the first, and their ends.

All is torch's own (`torch.distributed`); where there is one process, nothing here does anything.
What is said, written and shown is the first process's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from huescape.base import runtime
from huescape.base.errors import HuescapeError
from huescape.base.interrupts import LEFT_ALONE

T = TypeVar("T")

# torchrun ends all processes when one ends. Waiting for one that verifies shards or saves is right,
# however long it takes.
_PATIENCE = timedelta(days=1)


def count() -> int:
    """Number of processes that work together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def number() -> int:
    """That of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_first() -> bool:
    """Whether this is the process that speaks and writes."""
    return number() == 0


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """Within, this process works with those that torchrun started beside it, if it started it.

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
    made: list[Any] = [make() if is_first() else None]
    dist.broadcast_object_list(made, device=torch.device("cpu"))
    found: T = made[0]
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
