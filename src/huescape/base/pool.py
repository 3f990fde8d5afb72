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

from huescape.base.errors import HuescapeError
from huescape.base.progress import bar
from huescape.base.runtime import workers

T = TypeVar("T")
R = TypeVar("R")

_POLL_SECONDS = 0.5
_NOTE_BYTES = 512

# Of a worker: the function of its pool, and what it tells its parent.
_function: Callable[[Any], Any]
_report: Callable[[int], object] = lambda count: None  # noqa: E731
_note: Callable[[str], object] = lambda text: None  # noqa: E731


def advance(count: int = 1) -> None:
    """Report `count` items done, from inside a function that `run_each` runs.

    Raises KeyboardInterrupt there when the run has failed or was stopped meanwhile.
    """
    _report(count)


def working_on(what: str) -> None:
    """Note what this worker does now, such as a photo's path: should it be killed, that is said."""
    _note(what)


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
    with _executor(count, function, _Shared(count)) as executor:
        waiting: deque[Future[list[R]]] = deque()
        while batch := list(islice(iterator, chunk)):
            waiting.append(executor.submit(_call_all, batch))
            if len(waiting) > 2 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def run_each(
    function: Callable[[T], None],
    items: Iterable[T],
    *,
    count: int,
    total: int | None,
    desc: str,
    unit: str,
) -> None:
    """Run `function(item)` for each of `count` items, in `runtime.workers()` processes at most.

    Items are taken as they are needed, a few ahead of the workers. The bar counts what the function
    reports by `advance`, up to `total`; with total = None it counts items. After an exception the
    items under way end at their next `advance`, and the exception is raised. Raises HuescapeError
    when a worker dies.
    """
    processes = min(workers(), count)
    by_item = total is None
    with _bar(count if total is None else total, desc, unit) as shown:
        if processes <= 1:
            with _reporting_to(shown.update if not by_item else None):
                for item in items:
                    function(item)
                    shown.update(int(by_item))
            return
        shared, iterator = _Shared(processes), iter(items)
        with _executor(processes, function, shared) as executor:
            futures = {executor.submit(_call, item) for item in islice(iterator, 2 * processes)}
            while futures:
                done, futures = wait(futures, _POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                futures |= {executor.submit(_call, item) for item in islice(iterator, len(done))}
                shown.update(len(done) if by_item else shared.done() - shown.n)


class _Shared:
    """What workers tell their parent, and the one thing it tells them."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._count = context.Value("q", 0)
        self.stop = context.RawValue("b", False)
        self._begun = context.Value("q", 0)
        self._pids = context.RawArray("q", workers)
        self._notes = context.RawArray("c", workers * _NOTE_BYTES)

    def begin(self) -> None:
        """In a new worker: take a place for its notes."""
        with self._begun.get_lock():
            self._place = int(self._begun.value)
            self._begun.value += 1
        self._pids[self._place] = os.getpid()

    def note(self, text: str) -> None:
        """In a worker: say what it does."""
        content = text.encode(errors="replace")[:_NOTE_BYTES].ljust(_NOTE_BYTES, b"\0")
        self._notes[self._place * _NOTE_BYTES : (self._place + 1) * _NOTE_BYTES] = content

    def noted(self, pid: int | None) -> str:
        """The last note of a worker; empty if it made none."""
        places = [place for place, known in enumerate(self._pids) if known == pid]
        notes = [self._notes[p * _NOTE_BYTES : (p + 1) * _NOTE_BYTES] for p in places]
        return b"".join(notes).rstrip(b"\0").decode(errors="ignore")

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


class _Executor(ProcessPoolExecutor):
    """A pool of spawned workers that can tell how one of them died."""

    def __init__(self, count: int, function: Callable[[Any], Any], shared: _Shared) -> None:
        context = multiprocessing.get_context("spawn")
        super().__init__(count, context, _begin_worker, (function, shared))
        self._shared = shared
        self._children: dict[int | None, Any] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with _interrupts_held():
            future = super().submit(fn, *args, **kwargs)  # this may start a worker
        self._children.update({child.pid: child for child in multiprocessing.active_children()})
        return future

    def obituary(self) -> str:
        """How a worker died, and what it did; call it when the pool is broken."""
        self.shutdown(wait=True, cancel_futures=True)
        # The pool itself ends the others by SIGTERM.
        codes = {pid: child.exitcode for pid, child in self._children.items()}
        dead = [pid for pid, code in codes.items() if code not in (None, 0, -signal.SIGTERM)]
        how = _ending(codes[dead[0]]) if dead else "died"
        note = self._shared.noted(dead[0]) if dead else ""
        return f"a worker process {how}" + (f" while it worked on {note}" if note else "")


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back here, and for ever in the processes that are started meanwhile.

    Ctrl-C reaches the whole group of processes: a worker that still loads its modules has had no
    chance to ignore it, and would end with a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ending(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL: the system does that when memory runs out)"
    if code < 0:
        return f"crashed ({signal.Signals(-code).name})"
    return f"died (exit code {code})"


@contextmanager
def _executor(
    count: int, function: Callable[[Any], Any], shared: _Shared
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers hold `function`; on an error, what has not begun is dropped."""
    executor = _Executor(count, function, shared)
    try:
        yield executor
    except BrokenProcessPool as error:
        raise HuescapeError(
            f"{executor.obituary()}; the same command goes on; fewer workers need less memory "
            "(environment variable HUESCAPE_WORKERS)"
        ) from error
    except BaseException:
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


def _begin_worker(function: Callable[[Any], Any], shared: _Shared) -> None:
    """In a new worker: keep what every call needs, and end with the parent."""
    global _function, _report, _note
    shared.begin()
    _function, _report, _note = function, shared.add, shared.note
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
