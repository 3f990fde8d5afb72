"""What many processes make one by one, handed to the first of them in order."""

from __future__ import annotations

import pickle
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from huescape.distributed import group

T = TypeVar("T")

# So many a process makes before the first takes them: more would only fill its memory.
_AHEAD = 4
# A photo's scores are mostly zeros: 4 MB become 0.2 MB.
_LEVEL = 1


def in_turns(own: Iterable[T], turns: Iterable[int]) -> Iterator[T]:
    """In the first process all that they make, in order; in the others nothing, but they make it.

    A process that makes faster than the first takes waits for it, so that memory is bounded.

    Args:
        own: what this process makes, each made when it is asked for; with one process, all.
        turns: whose turn it is to make each, the same in every process.
    """
    if group.count() == 1:
        yield from own
        return
    if group.is_first():
        made = iter(own)
        for process in turns:
            yield next(made) if process == 0 else _taken_from(process)
    else:
        _hand_over(own)
    group.any_wants(False)  # nobody leaves before all is taken


def _hand_over(made: Iterable[Any]) -> None:
    """Send each to the first process."""
    sending: deque[tuple[Any, torch.Tensor]] = deque()
    for one in made:
        content = bytearray(zlib.compress(pickle.dumps(one, pickle.HIGHEST_PROTOCOL), _LEVEL))
        for sent in (torch.tensor([len(content)]), torch.frombuffer(content, dtype=torch.uint8)):
            sending.append((dist.isend(sent, 0), sent))
        while len(sending) > 2 * _AHEAD:
            sending.popleft()[0].wait()
    while sending:
        sending.popleft()[0].wait()


def _taken_from(process: int) -> Any:
    length = torch.empty(1, dtype=torch.int64)
    dist.recv(length, process)
    content = torch.empty(int(length), dtype=torch.uint8)
    dist.recv(content, process)
    # From a process of the same command, as in torch's own collectives of objects.
    return pickle.loads(zlib.decompress(content.numpy().tobytes()))
