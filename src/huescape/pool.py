"""Run functions in worker processes: results in order, flat memory, progress, no orphans.

Workers are spawned, not forked: a fork copies the locks of threads that it does not copy (of
torch, of BLAS), and can hang. A worker ends when its parent does, however that ended, so that a
killed run leaves nobody behind who goes on writing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from tqdm import tqdm

from huescape.errors import HuescapeError
from huescape.progress import bar
from huescape.runtime import workers

T = TypeVar("T")
R = TypeVar("R")

_POLL_SECONDS = 0.5

# Of a worker: the function of its pool, and the counter it shares with its parent.
_function: Callable[[Any], Any]
_report: Callable[[int], object] = lambda count: None  # noqa: E731


def advance(count: int = 1) -> None:
    """Report `count` items done, from inside a function that `run_each` runs.

    Raises KeyboardInterrupt there when the run has failed or was stopped meanwhile.
    """
    _report(count)


def map_ordered(
    function: Callable[[T], R], items: Iterable[T], *, chunk: int = 16, count: int | None = None
) -> Iterator[R]:
    """Yield `function(item)` in the order of the items, computed in `count` processes.

    `count` is `runtime.workers()` if it is not given.

    A bounded number of chunks is under way, so memory stays flat. An exception of the function is
    raised here. Raises HuescapeError when a worker dies (killed, or out of memory).
    """
    count = count or workers()
    if count == 1:
        yield from map(function, items)
        return
    iterator = iter(items)
    with _executor(count, function, None) as executor:
        waiting: deque[Future[list[R]]] = deque()
        while batch := list(islice(iterator, chunk)):
            waiting.append(executor.submit(_call_all, batch))
            if len(waiting) > 2 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def run_each(
    function: Callable[[T], None], items: list[T], *, total: int | None, desc: str, unit: str
) -> None:
    """Run `function(item)` for every item, in `runtime.workers()` processes at most.

    The bar counts what the function reports by `advance`, up to `total`; with total = None it
    counts items. After an exception the items under way end at their next `advance`, and the
    exception is raised. Raises HuescapeError when a worker dies.
    """
    count = min(workers(), len(items))
    by_item = total is None
    with _bar(len(items) if total is None else total, desc, unit) as shown:
        if count <= 1:
            with _reporting_to(shown.update if not by_item else None):
                for item in items:
                    function(item)
                    shown.update(int(by_item))
            return
        shared = _Shared()
        with _executor(count, function, shared) as executor:
            futures = {executor.submit(_call, item) for item in items}
            while futures:
                done, futures = wait(futures, _POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                shown.update(len(done) if by_item else shared.done() - shown.n)


class _Shared:
    """What the workers of `run_each` tell their parent, and the one thing it tells them."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._count = context.Value("q", 0)
        self.stop = context.RawValue("b", False)

    def add(self, count: int) -> None:
        if self.stop.value:
            raise KeyboardInterrupt
        with self._count.get_lock():
            self._count.value += count

    def done(self) -> int:
        """Read past the lock: a worker that was killed may hold it for ever."""
        return int(self._count.get_obj().value)


def _bar(total: int, desc: str, unit: str) -> tqdm[Any]:
    return bar(total=total, desc=desc, unit=unit)


@contextmanager
def _executor(
    count: int, function: Callable[[Any], Any], shared: _Shared | None
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers hold `function`; on an error, what has not begun is dropped."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(count, context, _begin_worker, (function, shared))
    try:
        yield executor
    except BrokenProcessPool as error:
        raise HuescapeError(
            "a worker process died: killed, or out of memory; "
            "fewer workers need less memory (environment variable HUESCAPE_WORKERS)"
        ) from error
    except BaseException:
        if shared is not None:
            shared.stop.value = True
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _reporting_to(report: Callable[[int], object] | None) -> Iterator[None]:
    global _report
    before = _report
    _report = report or before
    try:
        yield
    finally:
        _report = before


def _begin_worker(function: Callable[[Any], Any], shared: _Shared | None) -> None:
    """In a new worker: keep what every call needs, leave Ctrl-C to the parent, end with it."""
    global _function, _report
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if shared is not None:
        _report = shared.add
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(item: Any) -> None:
    advance(0)  # ends here what was handed out just before the run failed
    _function(item)


def _call_all(items: list[Any]) -> list[Any]:
    return [_function(item) for item in items]
