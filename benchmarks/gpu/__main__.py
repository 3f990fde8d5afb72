"""Measure what the project does on a GPU: checks first, then figures, all in one JSON file.

Every section has a share of the time; what it leaves goes to the next ones, and one that takes
longer is cut short with what it has. The file is written anew after each of them. The exit status
is 1 if a check failed or a section raised, 2 if there is no such device.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks import harness
from benchmarks.gpu import checks, encoding, epochs, loading, memory, profiles, steps
from benchmarks.gpu.session import Findings, OutOfTime, Session, one_line, time_limit
from benchmarks.harness import Report

Section = Callable[[Session, Findings], None]
# In order, with their shares of the time.
SECTIONS: dict[str, tuple[Section, float]] = {
    "checks": (checks.run, 0.14),
    "encoding": (encoding.run, 0.06),
    "loading": (loading.run, 0.17),
    "epochs": (epochs.run, 0.10),
    "steps": (steps.run, 0.40),
    "loss": (memory.run, 0.04),
    "profile": (profiles.run, 0.09),
}
QUESTION = "What does the project reach on a GPU, and is what is fast there also right?"


def main() -> int:
    """Run the sections; see the module's text for the exit status."""
    options = _options()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(
            "benchmarks.gpu: error: torch finds no CUDA device; "
            "`--device cpu --quick` shows that everything runs",
            file=sys.stderr,
        )
        return 2
    if device.type == "cuda":
        torch.cuda.set_device(device)
    output = options.output or (None if options.quick else harness.RESULTS / "gpu.json")
    names = options.sections or list(SECTIONS)
    done = run_sections(Session(device, options.quick), names, 60 * options.minutes, output)
    print(harness.table("gpu", merged(done)))
    failures = [line for found in done.values() for line in found.failures]
    for line in failures:
        print(f"benchmarks.gpu: error: {line}", file=sys.stderr)
    return bool(failures)


def run_sections(
    session: Session, names: Sequence[str], seconds: float, output: Path | None
) -> dict[str, Findings]:
    """Run the sections `names` in their order, and write the file after each."""
    whole = sum(SECTIONS[name][1] for name in names)
    start, share = time.monotonic(), 0.0
    done: dict[str, Findings] = {}
    for name in names:
        share += SECTIONS[name][1] / whole
        done[name] = run_section(session, name, start + seconds * share - time.monotonic())
        session_seconds = time.monotonic() - start
        print(f"benchmarks.gpu: {name} done after {session_seconds:.0f} s", file=sys.stderr)
        if output is not None:
            write(output, done, session_seconds)
    return done


def run_section(session: Session, name: str, seconds: float) -> Findings:
    """A section's findings, whatever becomes of it."""
    run = SECTIONS[name][0]
    found = Findings(str(run.__doc__))
    try:
        with time_limit(seconds):
            run(session, found)
    except OutOfTime:
        found.missing(f"{name}: the rest", "no time left")
        found.notes.append(f"{name}: cut short; `--minutes` gives more time")
    except Exception as error:
        found.failed(name, error)
    try:
        session.free()
    except RuntimeError as error:  # after a fault of the device everything raises
        found.failures.append(f"{name}: {one_line(error)}")
    return found


def merged(done: dict[str, Findings]) -> Report:
    """One table of all sections."""
    reports = [found.report() for found in done.values()]
    return Report(
        QUESTION,
        [row for report in reports for row in report.rows],
        [ratio for report in reports for ratio in report.ratios],
        [note for report in reports for note in report.notes],
    )


def write(output: Path, done: dict[str, Findings], seconds: float) -> None:
    """The file as the harness has it, with the sections besides; replaced at once."""
    sections: dict[str, Any] = {}
    for name, found in done.items():
        recorded = harness.record("gpu", found.report())
        sections[name] = {key: recorded[key] for key in ("question", "facts")}
        sections[name] |= {"failures": found.failures, "rows": len(found.rows)}
    record = {**harness.record("gpu", merged(done)), "sections": sections, "seconds": seconds}
    if torch.cuda.is_available():
        found_device = torch.cuda.get_device_properties(torch.cuda.current_device())
        record["machine"] |= {"gpu_memory": found_device.total_memory, "cuda": torch.version.cuda}
        record["machine"] |= {"cudnn": torch.backends.cudnn.version()}
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = output.with_suffix(".tmp")
    fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    fresh.replace(output)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; the figures mean nothing")
    parser.add_argument("--device", default="cuda", help="default: cuda")
    parser.add_argument("--minutes", type=float, default=10.0, help="default: 10")
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/gpu.json")
    options = parser.parse_args()
    unknown = sorted(set(options.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {unknown[0]!r}: allowed are {', '.join(SECTIONS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
