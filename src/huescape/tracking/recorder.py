"""What a stage tells about itself: each call writes to the journal and returns.

Nothing here talks to a server, and nothing here raises for a disk that refuses: tracking gives up
with one warning and the training goes on.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.tracking.context import flat_metrics, flat_params
from huescape.tracking.entries import picture_series
from huescape.tracking.journal import Journal
from huescape.tracking.ledger import Ledger, folder_digest
from huescape.tracking.notices import cause, warn
from huescape.tracking.probe import scores_of

Status = Literal["FINISHED", "FAILED", "KILLED"]

# Seconds that closing waits for what is still to be sent; a store that does not answer is not
# waited for. A new SQLite file needs about six, and its making must not be cut off in the middle.
CLOSE_SECONDS = 10.0
CLOSE_SECONDS_SQLITE = 60.0
INTERRUPTED = 130  # the exit code, by the shell's convention, of what Ctrl-C stopped


class Sender(Protocol):
    """Delivers a journal in the background."""

    def finish(self, seconds: float) -> None:
        """Send what is left, for at most `seconds`; then the journal is not touched any more."""
        ...


class Recorder:
    """Records one run. Made by `start_training` and `attach`; use it in a `with` block.

    Without a journal it is silent: every method does nothing.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        sender: Sender | None = None,
        ledger: Ledger | None = None,
        *,
        resume_key: str | None = None,
        record: str | None = None,
        sent_steps: Mapping[str, int] | None = None,
    ) -> None:
        self._journal = journal
        self._sender = sender
        self._ledger = ledger
        self._resume_key = resume_key
        self._record = record
        self._sent_steps = dict(sent_steps or {})
        self._silent = journal is None
        self._complained = False

    def params(self, values: Mapping[str, Any]) -> None:
        """Add parameters, nested or flat. One that the run has with another value becomes a tag."""
        self._guarded(lambda journal: journal.append("params", values=flat_params(values)))

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        self._append("tags", values={key: str(value) for key, value in values.items()})

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point at `step` to the history of each metric.

        A resumed training repeats the steps after its checkpoint: what was recorded before the
        interruption is not recorded twice.
        """

        def write(journal: Journal) -> None:
            new = {
                key: float(value)
                for key, value in values.items()
                if step > self._sent_steps.get(key, step - 1)
            }
            if new:
                journal.append("metrics", step=int(step), values=new)

        self._guarded(write)

    def results(self, values: Mapping[str, Any]) -> None:
        """Record final results: the numbers in `values`, nested keys joined by dots."""
        self._guarded(
            lambda journal: journal.append("metrics", step=0, values=flat_metrics(values))
        )

    def picture(self, name: str, step: int, rgb: npt.NDArray[np.uint8]) -> None:
        """Add a picture, uint8 of shape (H, W, 3) in sRGB, to the series `name`.

        As with metrics, a resumed training adds none again.
        """

        def write(journal: Journal) -> None:
            if step <= self._sent_steps.get(picture_series(name), step - 1):
                return
            content = io.BytesIO()
            Image.fromarray(rgb).save(content, format="PNG", compress_level=1)
            path = journal.keep_bytes("picture.png", content.getvalue())
            journal.append("picture", path=path, name=name, step=int(step))

        self._guarded(write)

    def artifact(self, path: Path, folder: str = "") -> None:
        """Add a file, or a folder with all it holds, below the run's artifact folder `folder`."""

        def write(journal: Journal) -> None:
            if not path.exists():  # the caller's mistake, not the disk's
                raise HuescapeError(f"{path}: no such file or folder")
            journal.append("artifact", path=journal.keep(path), folder=folder)

        self._guarded(write)

    def model(self, folder: Path, loader: str = "huescape.tracking.served_model") -> None:
        """Add a trained system as an MLflow model, and remember which run made it.

        The system predicts once here, for its signature (not in the publisher: see `scores_of`).

        `folder` is what `huescape.systems.system.load_system` reads; `loader` names a module with
        MLflow's `_load_pyfunc(path)` whose result predicts from the folder's copy.
        """

        def write(journal: Journal) -> None:
            if self._ledger is not None:
                header = journal.header
                self._ledger.remember_model(
                    header["name"], folder_digest(folder), header["run"], header["destination"]
                )
            scores = scores_of(folder, loader)
            journal.append("model", path=journal.keep(folder), loader=loader, scores=scores)

        self._guarded(write)

    def close(self, status: Status = "FINISHED") -> None:
        """End the run and wait some seconds for what is still to be sent; then let go."""
        if self._journal is None:
            return
        local = str(self._journal.header["destination"]).startswith("sqlite:")
        self._append("end", status=status)
        if status == "FINISHED" and self._resume_key is not None:
            self._guarded(self._note_end)
        self._journal = None
        self._silent = True
        if self._sender is not None:
            self._sender.finish(CLOSE_SECONDS_SQLITE if local else CLOSE_SECONDS)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close("FINISHED")
        else:
            stopped = isinstance(error, KeyboardInterrupt) or _exit_code(error) == INTERRUPTED
            self.close("KILLED" if stopped else "FAILED")

    def _note_end(self, journal: Journal) -> None:
        if self._ledger is None or self._resume_key is None:
            return
        header, key = journal.header, self._resume_key
        if self._record is not None:
            run, destination = header["run"], header["destination"]
            self._ledger.remember_finished(header["name"], key, run, destination, self._record)
        self._ledger.forget_unfinished(header["name"], key)

    def _append(self, kind: str, **content: Any) -> None:
        self._guarded(lambda journal: journal.append(kind, **content))

    def _guarded(self, write: Callable[[Journal], None]) -> None:
        if self._silent or self._journal is None:
            return
        try:
            write(self._journal)
        except OSError as error:
            self._silent = True
            warn(f"tracking stops, {self._journal.folder} cannot be written: {cause(error)}")
        except Exception as error:
            if not self._complained:
                self._complained = True
                warn(f"not everything is tracked: {type(error).__name__}: {cause(error)}")


def _exit_code(error: BaseException | None) -> int | None:
    return getattr(error, "exit_code", None)
