"""What a stage tells about itself: each call puts a few numbers into a queue and returns.

A thread takes them to the store. When the block ends it publishes what was made, and what cannot
be published in time is put aside for a later stage. Nothing here raises for a server or a disk
that refuses: tracking says so once, and the training goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Full, Queue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.base.masking import mask
from huescape.tracking import outbox
from huescape.tracking.context import flat_metrics
from huescape.tracking.notices import Outage, Unusable, cause, say, warn
from huescape.tracking.records import Record, made_by, now
from huescape.tracking.settings import tracking_uri

if TYPE_CHECKING:
    from huescape.tracking.live import Live

Status = Literal["FINISHED", "FAILED", "KILLED"]
Entry = tuple[int, int, Any]  # step, time, and a mapping of numbers or a picture with its name

FLUSH_SECONDS = 2.0
OUTAGE_SECONDS = 60.0  # between two tries
# Seconds that the end waits for the store. A new SQLite file needs about six, a model three; and
# they must not be cut off in the middle.
CLOSE_SECONDS, CLOSE_SECONDS_SQLITE = 10.0, 60.0
_POINTS, _PICTURES = 10_000, 64  # that wait for a slow server; the rest is dropped
_INTERRUPTED = 130  # the exit code, by the shell's convention, of what Ctrl-C stopped
_LATER = (
    "a finished run waits in .huescape/tracking/waiting until a later stage or `huescape track` "
    "reaches the store"
)


class Recorder:
    """Records one run. Made by `start_training` and `attach`; use it in a `with` block.

    Without a record it is silent: every method does nothing. Of a `live` one the run is opened at
    once, and told of while it goes on.
    """

    def __init__(self, record: Record | None = None, *, live: bool = False) -> None:
        self._record, self._live = record, live
        self._complained = self._warned = self._published = False
        self._closing = threading.Event()
        self._numbers: Queue[Entry] = Queue(_POINTS)
        self._pictures: Queue[Entry] = Queue(_PICTURES)
        self._dropped = False
        self._sender: Live | None = None
        self._thread = threading.Thread(target=self._deliver, name="tracking", daemon=True)
        if record is not None:
            self._told: Record = record
            self._thread.start()

    @property
    def oldest_unsent(self) -> int | None:
        """When the oldest numbers were recorded that the store does not have yet; milliseconds."""
        if self._sender and (held := self._sender.oldest_unsent) is not None:
            return held
        return next((time for _, time, _ in list(self._numbers.queue)), None)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point at `step` to the history of each metric.

        A resumed training repeats the steps after its checkpoint: what the store has is not sent.
        """
        self._guarded(
            lambda: self._put(self._numbers, step, {k: float(v) for k, v in values.items()})
        )

    def picture(self, name: str, step: int, rgb: npt.NDArray[np.uint8]) -> None:
        """Add a picture, uint8 of shape (H, W, 3) in sRGB, to the series `name`.

        As with metrics, a resumed training adds none again.
        """

        def add() -> None:
            if rgb.dtype != np.uint8 or rgb.ndim != 3:
                raise HuescapeError(f"picture {name!r} is {rgb.dtype} {rgb.shape}")
            self._put(self._pictures, step, (name, rgb.copy()))

        self._guarded(add)

    def results(self, values: Mapping[str, Any]) -> None:
        """Add final results: the numbers in `values`, nested keys joined by dots."""
        self._guarded(lambda: self._told.setdefault("results", {}).update(flat_metrics(values)))

    def artifact(self, path: Path, folder: str = "") -> None:
        """Add a file, or a folder with all it holds, below the run's artifact folder `folder`."""

        def add() -> None:
            if not path.exists():
                raise HuescapeError(f"{path}: no such file or folder")
            self._told["artifacts"].append([str(path.resolve()), folder])

        self._guarded(add)

    def model(self, folder: Path) -> None:
        """Add a trained system: its curves, and itself as an MLflow model."""
        self._guarded(lambda: self._told.update(made_by(folder)))

    def close(self, status: Status = "FINISHED") -> None:
        """End the run: publish what was made, within some seconds, or put it aside."""
        if self._record is None:
            return
        self._record = None
        self._told |= {"status": status, "ended": now()}
        self._closing.set()
        local = str(self._told["destination"]).startswith("sqlite")
        seconds = CLOSE_SECONDS_SQLITE if local else CLOSE_SECONDS
        self._thread.join(seconds)
        if self._published:
            return
        self._warn(f"no answer within {seconds:g} s")
        if status == "FINISHED":  # nothing else has something to publish later
            try:
                outbox.keep({**self._told, "holes": None})
            except (OSError, HuescapeError) as error:
                warn(f"this run is not tracked: {cause(error)}")

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = getattr(error, "exit_code", None)
        stopped = isinstance(error, KeyboardInterrupt) or code == _INTERRUPTED
        self.close("FINISHED" if kind is None else "KILLED" if stopped else "FAILED")

    def _put(self, queue: Queue[Entry], step: int, content: Any) -> None:
        try:
            queue.put_nowait((int(step), now(), content))
        except Full:
            self._dropped = True

    def _guarded(self, add: Callable[[], object]) -> None:
        if self._record is None:
            return
        try:
            add()
        except Exception as error:
            if not self._complained:
                self._complained = True
                warn(f"not everything is tracked: {cause(error)}")

    def _deliver(self) -> None:
        """The thread. Whatever goes wrong here is a line, never an exception."""
        try:
            from huescape.tracking.live import Live  # slow: it imports mlflow

            self._sender = Live(self._told) if self._live else None
            self._tell_all(self._sender)
        except Outage as error:
            self._warn(str(error))
        except Unusable as error:
            self._told["destination"] = None  # whatever is set next
            self._warn(str(error), "can never")
        except Exception as error:
            self._warn(f"{type(error).__name__}: {cause(error)}")

    def _tell_all(self, live: Live | None) -> None:
        from huescape.tracking.publish import publish
        from huescape.tracking.store import connect

        run_id = ""
        while live and not self._closing.is_set():
            try:
                first, run_id = not run_id, live.send(self._numbers, self._pictures)
                if first:
                    say(f"MLflow run {self._told['title']}: {live.page}")
                    outbox.deliver(self._closing.is_set)
                self._closing.wait(FLUSH_SECONDS)
            except Outage as error:
                self._warn(str(error))
                self._closing.wait(OUTAGE_SECONDS)
        self._closing.wait()
        store = live.end(self._numbers, self._pictures) if live else connect(None)
        if live is None:  # the training that was evaluated may be among what waits
            outbox.deliver()
        if self._dropped:
            self._told["holes"] = None
        told = publish(store, self._told)
        self._published = True
        if not run_id:
            say(f"MLflow run {self._told['title']}: {store.page(told)}")

    def _warn(self, reason: str, verb: str = "cannot") -> None:
        if not self._warned:
            self._warned = True
            warn(f"MLflow at {mask(tracking_uri())} {verb} be used: {reason}; {_LATER}")
