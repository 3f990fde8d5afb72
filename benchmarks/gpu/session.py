"""What the sections share: the device and its clock, and where they write down what they find."""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread

Case = Callable[[], object]
# A round of a case takes about so long, so that waiting for the device at its end is nothing.
_ROUND_SECONDS, _MOST_REPEATS = 0.25, 200


class OutOfTime(BaseException):
    """The section's time is over. No Exception, so that no compiler takes it for its own."""


@dataclass(frozen=True)
class Session:
    """Where and how large to measure.

    Attributes:
        device: what is measured.
        quick: tiny sizes and two rounds; the figures mean nothing.
    """

    device: torch.device
    quick: bool

    @property
    def cuda(self) -> bool:
        """Whether the device is a GPU of CUDA."""
        return self.device.type == "cuda"

    @property
    def rounds(self) -> int:
        """How often every case runs."""
        return 2 if self.quick else 5

    def pick(self, full: int, quick: int) -> int:
        """A size of the measurement, or of the quick one."""
        return quick if self.quick else full

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def measure(self, cases: Mapping[str, Case]) -> dict[str, list[float]]:
        """Seconds of one run of each case, in alternating rounds of some runs each.

        What is compiled or tried out at first use is so before the first round.
        """
        repeats = {name: self._repeats(case) for name, case in cases.items()}
        timed = {name: self._repeated(case, repeats[name]) for name, case in cases.items()}
        seconds = harness.measure(timed, self.rounds, warmups=0)
        return {name: [s / repeats[name] for s in values] for name, values in seconds.items()}

    def peak_bytes(self, run: Case) -> int | None:
        """The most memory that is allocated while `run` runs, above what was before; on CUDA."""
        self.free()
        return self.made_with_peak(lambda: run)[1]

    def made_with_peak(self, make: Callable[[], Case]) -> tuple[Case, int | None]:
        """What `make` makes, after two runs, and the most memory that a third one needs with it.

        Above what was allocated before `make`; None for devices other than CUDA.
        """
        before = torch.cuda.memory_allocated(self.device) if self.cuda else 0
        case = make()
        case()
        case()
        if not self.cuda:
            return case, None
        self.wait()
        torch.cuda.reset_peak_memory_stats(self.device)
        case()
        self.wait()
        return case, torch.cuda.max_memory_allocated(self.device) - before

    def free(self) -> None:
        """Give back what no one uses."""
        gc.collect()
        if self.cuda:
            self.wait()
            torch.cuda.empty_cache()

    def _repeats(self, case: Case) -> int:
        case()
        self.wait()
        if self.quick:
            return 1
        start = time.perf_counter()
        case()
        self.wait()
        return max(1, min(_MOST_REPEATS, int(_ROUND_SECONDS / (time.perf_counter() - start))))

    def _repeated(self, case: Case, times: int) -> Case:
        def run() -> None:
            for _ in range(times):
                case()
            self.wait()

        return run


@dataclass
class Findings:
    """What a section has found so far; a section that is cut short leaves what it has."""

    question: str
    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def row(self, name: str, unit: str, value: Spread, note: str = "") -> None:
        """A figure."""
        self.rows.append(Row(name, unit, value, note))

    def missing(self, name: str, why: str) -> None:
        """A figure that could not be had."""
        self.rows.append(Row(name, "", None, why))

    def check(self, name: str, error: float, allowed: float) -> bool:
        """Write down an error and whether it is allowed; NaN never is."""
        passed = error <= allowed
        verdict = "passed" if passed else "**failed**"
        value = Spread.of([error]) if error == error else None
        self.rows.append(Row(name, "error", value, f"allowed {allowed:g}: {verdict}"))
        if not passed:
            self.failures.append(f"{name}: error {error:g}, allowed {allowed:g}")
        return passed

    def failed(self, name: str, error: BaseException) -> None:
        """A part that raised."""
        line = one_line(error)
        self.missing(name, line)
        self.failures.append(f"{name}: {line}")

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Go on after a part that raises; memory that does not suffice is no failure."""
        try:
            yield
        except torch.OutOfMemoryError:
            self.missing(name, "out of memory")
        except Exception as error:
            self.failed(name, error)

    def report(self) -> Report:
        """As the harness wants it."""
        return Report(self.question, self.rows, self.ratios, self.notes, self.facts)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime within after so many seconds, where the system has such an alarm."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: object) -> None:
        raise OutOfTime

    former = signal.signal(signal.SIGALRM, ring)
    # Again after ten seconds, should somebody have caught it.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def one_line(error: BaseException) -> str:
    """An exception in a cell of a table."""
    text = " ".join(str(error).split()).replace("|", "/")
    return f"{type(error).__name__}: {text}"[:200]
