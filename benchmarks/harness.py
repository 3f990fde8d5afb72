"""Measure cases turn by turn, and say what came out: a table on the screen and a JSON file.

A round runs every case once, so that a machine that slows down slows all of them, and in an order
of its own, so that no case always runs in the wake of the same other one: what that left in the
caches, or still has running. A ratio is taken within each round; what is reported is the median of
the rounds with the lowest and the highest.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from huescape.base import runtime

RESULTS = Path(__file__).parent / "results"
ROUNDS = 7


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """A line of the table: what one case reached; `value` is None where it could not run.

    `note` says why not, or what a reader must know.
    """

    name: str
    unit: str
    value: Spread | None
    note: str = ""


@dataclass(frozen=True)
class Ratio:
    """How much one case has of another, against the target that was set beforehand.

    The median alone decides whether it is reached: a reader sees from the spread how surely.
    `at_least` tells whether more is better. Without a target it is told for information.
    """

    name: str
    value: Spread
    target: float | None = None
    at_least: bool = True
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        if self.target is None:
            return None
        reached = self.value.median >= self.target
        return reached if self.at_least else self.value.median <= self.target


@dataclass(frozen=True)
class Report:
    """The answer to one question; `notes` are sentences that belong under the table."""

    question: str
    rows: Sequence[Row]
    ratios: Sequence[Ratio]
    notes: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def measure(
    cases: Mapping[str, Callable[[], object]],
    rounds: int = ROUNDS,
    warmups: int = 1,
    before: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each case in each round, after `warmups` runs of each that do not count.

    `before` runs before each case and does not count. `clock` may be `time.process_time`: the
    processor's seconds, all threads together, whatever else the machine does meanwhile.
    """
    for _ in range(warmups):
        for run in cases.values():
            run()
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(rounds):
        for name in random.Random(turn).sample(list(cases), len(cases)):
            before()
            start = clock()
            cases[name]()
            seconds[name].append(clock() - start)
    return seconds


def rate(seconds: Sequence[float], amount: float) -> Spread:
    """`amount` per second over the rounds."""
    return Spread.of([amount / value for value in seconds])


def times_faster(slow: Sequence[float], fast: Sequence[float], per: float = 1.0) -> Spread:
    """How many times as fast `fast` is, round by round; `per` corrects for unequal amounts.

    `per` is the work of the fast case divided by that of the slow one.
    """
    return Spread.of([s * per / f for s, f in zip(slow, fast, strict=True)])


def at_best(slow: Sequence[float], fast: Sequence[float]) -> float:
    """How many times as fast `fast` is by the fastest round of each: hardly disturbed by others."""
    return min(slow) / min(fast)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import numpy
    import torch

    found = {
        "processor": _processor(),
        "cpus": runtime.cpus(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def run_command(name: str, run: Callable[[bool], Report]) -> None:
    """The command line of one benchmark: measure, print the table, write the JSON file.

    With `--quick` everything is tiny: it shows that the benchmark runs, and writes nothing unless
    `--output` names a file.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=run.__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes; the figures mean nothing")
    parser.add_argument("--output", type=Path, help=f"default: benchmarks/results/{name}.json")
    options = parser.parse_args()
    report = run(options.quick)
    print(table(name, report))
    path = options.output or (None if options.quick else RESULTS / f"{name}.json")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record(name, report), indent=1) + "\n", encoding="utf-8")


def record(name: str, report: Report) -> dict[str, Any]:
    """A report as JSON, with the machine and the command."""
    ratios = [{**asdict(ratio), "reached": ratio.reached} for ratio in report.ratios]
    return {
        "benchmark": name,
        "command": f"python -m benchmarks.{name}",
        **asdict(report),
        "ratios": ratios,
        "machine": machine(),
    }


def table(name: str, report: Report) -> str:
    """The report as Markdown."""
    return "\n".join([f"## {name}", "", report.question, "", *markdown(record(name, report)), ""])


def markdown(recorded: Mapping[str, Any]) -> list[str]:
    """The tables and notes of a recorded report, line by line."""
    lines = []
    if recorded["rows"]:
        lines += ["| case | median | lowest to highest | |", "|---|---:|---:|---|"]
        lines += [_row_line(row) for row in recorded["rows"]] + [""]
    if recorded["ratios"]:
        lines += ["| ratio | median | lowest to highest | target | |", "|---|---:|---:|---:|---|"]
        lines += [f"| {' | '.join([*ratio_cells(r), r['note']])} |" for r in recorded["ratios"]] + [
            ""
        ]
    lines += [f"- {note}" for note in recorded["notes"]]
    return lines


def _row_line(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return f"| {row['name']} | not measured | | {row['note']} |"
    value = row["value"]
    middle, ends = number(value["median"]), f"{number(value['low'])} to {number(value['high'])}"
    return f"| {row['name']} | {middle} {row['unit']} | {ends} | {row['note']} |"


def ratio_cells(ratio: Mapping[str, Any]) -> list[str]:
    """Name, median, spread and target of a recorded ratio."""
    value, target = ratio["value"], ""
    if ratio["target"] is not None:
        verdict = "reached" if ratio["reached"] else "**missed**"
        target = f"{bound(ratio, ratio['target'])}, {verdict}"
    ends = f"{number(value['low'])} to {number(value['high'])}"
    return [ratio["name"], f"**{number(value['median'])}**", ends, target]


def bound(ratio: Mapping[str, Any], value: float) -> str:
    """`value` as what a recorded ratio has to be: at least or at most that."""
    return f"{'≥' if ratio['at_least'] else '≤'} {number(value)}"


def number(value: float) -> str:
    """Three significant digits, thousands separated."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}" if abs(value) >= 0.01 else f"{value:.2g}"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
