"""Batches made while the device computes: a thread makes the next ones and copies them over.

A batch from pageable memory is copied while the program waits, and it waits for the steps before,
so that the device would stand still while the next batch is made. Threads, not processes: worker
processes make memory-mapped shards several times slower.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from types import TracebackType

import torch
from torch import Tensor

from huescape.losses.targets import Targets
from huescape.training.batches import Batch

# Batches that are ready or being made: one to use, one to be late, one to make.
AHEAD = 3


@contextmanager
def batches_on(
    device: torch.device, make: Callable[[int], Batch], steps: Sequence[int]
) -> Iterator[Iterator[Batch]]:
    """The batches that `make` makes of `steps`, in this order, on `device`.

    On CUDA a thread makes up to `AHEAD` of them before they are asked for; elsewhere each is made
    when it is asked for, as a thread would take a processor from the step. What `make` raises is
    raised where its batch is asked for; leaving the context ends the thread.
    """
    if device.type != "cuda":
        yield (make(step).to(device) for step in steps)
        return
    mover = CudaMover(device)
    with BatchesAhead(lambda step: mover.send(make(step)), steps) as ahead:
        yield map(mover.receive, ahead)


class BatchesAhead(Iterator[Batch]):
    """What `make` gives for each of `steps`, in order, made in a thread of its own.

    To be used as a context: the thread ends with it, after the batch that it is making. No more
    than `ahead` batches are ready or being made.
    """

    def __init__(
        self, make: Callable[[int], Batch], steps: Sequence[int], ahead: int = AHEAD
    ) -> None:
        self._make, self._steps = make, steps
        self._made: queue.SimpleQueue[Batch | BaseException | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(ahead)
        self._closed = threading.Event()
        # A daemon, so that not even a killed main thread leaves a process that does not end.
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)

    def __enter__(self) -> BatchesAhead:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __next__(self) -> Batch:
        """The next batch; raises what `make` raised for it, and StopIteration after the last."""
        if self._closed.is_set():
            raise StopIteration
        made = self._made.get()
        self._room.release()
        if isinstance(made, Batch):
            return made
        self.close()
        if made is None:
            raise StopIteration
        raise made

    def close(self) -> None:
        """End the thread and wait for it; batches that are ready are dropped."""
        self._closed.set()
        self._room.release()
        if self._thread.is_alive():
            self._thread.join()
        while not self._made.empty():
            self._made.get()

    def _work(self) -> None:
        try:
            for step in self._steps:
                self._room.acquire()
                if self._closed.is_set():
                    return
                self._made.put(self._make(step))
            self._made.put(None)
        except BaseException as error:  # whatever it is, it belongs to the loop
            self._made.put(error)


class CudaMover:
    """Copies batches to a CUDA device beside what it computes, on a stream of its own.

    `send` is called by the thread that makes the batches, `receive` by the one that uses them, for
    the same batches in the same order.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._device = device
        self._arrivals: queue.SimpleQueue[torch.cuda.Event] = queue.SimpleQueue()

    def send(self, batch: Batch) -> Batch:
        """Begin the copy from pinned memory; the batch is not to be used before `receive`."""
        with torch.cuda.stream(self._stream):
            sent = map_tensors(self._copy, batch)
            arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrival.record(self._stream)
        self._arrivals.put(arrival)
        return sent

    def receive(self, batch: Batch) -> Batch:
        """Let the current stream wait for the copy; the program itself does not."""
        current = torch.cuda.current_stream(self._device)
        current.wait_event(self._arrivals.get())

        def used_here(tensor: Tensor) -> Tensor:
            # Its memory belongs to the copying stream, which must not reuse it too early.
            tensor.record_stream(current)
            return tensor

        return map_tensors(used_here, batch).to(self._device)

    def _copy(self, tensor: Tensor) -> Tensor:
        return tensor.pin_memory().to(self._device, non_blocking=True)


def map_tensors(change: Callable[[Tensor], Tensor], batch: Batch) -> Batch:
    """The batch with every tensor changed."""
    changed: dict[str, Tensor] = {}
    for field in fields(Targets):
        tensor = getattr(batch.targets, field.name)
        if tensor is not None:
            changed[field.name] = change(tensor)
    positions_NP = batch.positions_NP
    if positions_NP is not None:
        positions_NP = change(positions_NP)
    return Batch(change(batch.input_N1HW), Targets(**changed), positions_NP)
