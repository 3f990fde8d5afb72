"""Train for an hour and watch what must not grow: `make soak`, `make soak SECONDS=300`.

A small system is trained by the project's own stage, with MLflow's SQLite store behind it, until
the time is up. Once a second a thread reads memory, open files, threads, and how old the oldest
record is that still waits for the store; every record and every checkpoint is timed. The figures
are written to benchmarks/results/soak.json and drawn in docs/soak.png.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness import RESULTS, machine
from benchmarks.scratch import ROOT, SMALL, scratch_project
from benchmarks.soak_figure import draw
from huescape.tracking import Recorder

#: Some twenty steps a second on one core, a checkpoint every few seconds, and no end by itself.
CHANGES = {
    **SMALL,
    "systems.colorunet.network": {"width": 8},
    "systems.colorunet.augmentation.crop": 32,
    "systems.colorunet.batch": 8,
    "systems.colorunet.steps": 10_000_000,
    "systems.colorunet.checkpoint_every": 100,
}


def warm_up(seconds: float) -> float:
    """Seconds in which allocators and caches may still fill: a tenth, at least a minute."""
    return max(60.0, seconds / 10)


@dataclass
class Record:
    """Series of (seconds since the start, value)."""

    memory_mib: list[tuple[float, float]] = field(default_factory=list)
    open_files: list[tuple[float, float]] = field(default_factory=list)
    threads: list[tuple[float, float]] = field(default_factory=list)
    unsent_s: list[tuple[float, float]] = field(default_factory=list)
    record_ms: list[tuple[float, float]] = field(default_factory=list)
    checkpoint_ms: list[tuple[float, float]] = field(default_factory=list)


class Sampler(threading.Thread):
    """Looks at this process once a second; when the time is up, asks the training to stop."""

    def __init__(self, record: Record, seconds: float) -> None:
        super().__init__(daemon=True)
        self.began = time.perf_counter()
        self._record, self._seconds = record, seconds
        self._process = psutil.Process()
        self.recorder: Recorder | None = None

    def now(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.began

    def run(self) -> None:
        """Sample until the time is up."""
        while self.now() < self._seconds:
            at = self.now()
            self._record.memory_mib.append((at, self._process.memory_info().rss / 2**20))
            self._record.open_files.append((at, float(self._process.num_fds())))
            self._record.threads.append((at, float(self._process.num_threads())))
            self._record.unsent_s.append((at, self.oldest_unsent()))
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGINT)

    def oldest_unsent(self) -> float:
        """Age in seconds of the oldest numbers that the store does not have; 0 if it has all."""
        oldest = self.recorder.oldest_unsent if self.recorder else None
        return 0.0 if oldest is None else max(0.0, time.time() - oldest / 1000)


def _timed(call: Callable[..., Any], series: list[tuple[float, float]], sampler: Sampler) -> Any:
    """The same function; each call adds its milliseconds to `series`."""

    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            series.append((sampler.now(), (time.perf_counter() - began) * 1000))

    return timed


def train(seconds: float) -> Record:
    """Run the stage `train` in the current folder until the time is up."""
    from huescape.cli import main as huescape
    from huescape.training.checkpoints import CheckpointFolder

    record = Record()
    sampler = Sampler(record, seconds)
    start = Recorder.__init__

    def started(recorder: Recorder, *arguments: Any, **options: Any) -> None:
        start(recorder, *arguments, **options)
        sampler.recorder = recorder

    Recorder.__init__ = started  # type: ignore[method-assign]
    Recorder.metrics = _timed(Recorder.metrics, record.record_ms, sampler)  # type: ignore[method-assign]
    CheckpointFolder.save = _timed(CheckpointFolder.save, record.checkpoint_ms, sampler)  # type: ignore[method-assign]
    sampler.start()
    with suppress(SystemExit):  # interrupted, which is how it ends
        huescape(["train", "colorunet"])
    return record


def summary(record: Record, seconds: float) -> dict[str, Any]:
    """What is in the JSON file: each series after the warm-up, in a few numbers."""
    series = {name: _after(values, warm_up(seconds)) for name, values in asdict(record).items()}
    return {
        "command": f"make soak SECONDS={seconds:g}",
        "seconds": seconds,
        "warm_up_seconds": warm_up(seconds),
        "memory_growth_mib_per_hour": _slope(series["memory_mib"]) * 3600,
        "series": {name: _spread(values) for name, values in series.items()},
        "machine": machine(),
    }


def _after(values: Sequence[tuple[float, float]], start: float) -> list[tuple[float, float]]:
    return [(at, value) for at, value in values if at >= start]


def _slope(values: Sequence[tuple[float, float]]) -> float:
    """Of the line of least squares, per second; 0 for fewer than two points."""
    if len(values) < 2:
        return 0.0
    at, value = zip(*values, strict=True)
    return statistics.linear_regression(at, value).slope


def _spread(values: Sequence[tuple[float, float]]) -> Mapping[str, float]:
    numbers = sorted(value for _, value in values)
    if not numbers:
        return {"count": 0}
    return {
        "count": len(numbers),
        "lowest": numbers[0],
        "median": statistics.median(numbers),
        "p99": numbers[min(len(numbers) - 1, int(len(numbers) * 0.99))],
        "highest": numbers[-1],
    }


def main() -> None:
    """Lay a project, train, write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--output", type=Path, default=RESULTS / "soak.json")
    parser.add_argument("--figure", type=Path, default=ROOT / "docs" / "soak.png")
    options = parser.parse_args()
    output, figure = options.output.resolve(), options.figure.resolve()
    with tempfile.TemporaryDirectory(prefix="huescape-soak-") as temporary:
        project = scratch_project(Path(temporary, "project"), CHANGES)
        project.run("dvc", "repro", "prior")
        os.environ.update({**project.environment, "HUESCAPE_TRACKING": "on"})
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        here = Path.cwd()
        os.chdir(project.root)
        try:
            record = train(options.seconds)
        finally:
            os.chdir(here)
    found = summary(record, options.seconds)
    output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(figure, asdict(record), warm_up(options.seconds))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
