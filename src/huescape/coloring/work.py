"""An album colored: the output, its record, the workers and what they tell."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.base.folders import made
from huescape.base.pool import map_ordered
from huescape.base.progress import bar
from huescape.coloring.album import Photo, is_one_file, result_names
from huescape.coloring.choices import Choices
from huescape.coloring.models import weights_digest
from huescape.coloring.plan import Job, Plan, is_written, own_results, planned
from huescape.coloring.record import NAME, Record, held
from huescape.coloring.results import Colorist, Outcome, loaded
from huescape.systems.system import refuse_decoding

#: Photos for each worker: fewer are colored before another has started.
_PHOTOS_A_WORKER = 8


@dataclass
class Summary:
    """What was done.

    Attributes:
        colored, done: results that are new, and that were there already.
        skipped: photos without a result, by reason.
        seconds: that it took.
    """

    colored: int = 0
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __str__(self) -> str:
        """For people: `3 colored, 1 done before, 2 skipped (2 too large), 4.1 seconds`."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
        skipped = f"{self.skipped.total()} skipped" + (f" ({reasons})" if reasons else "")
        done = f"{self.colored} colored, {self.done} done before, {skipped}"
        return f"{done}, {self.seconds:.1f} seconds"


def color_photos(photos: Sequence[Photo], out: Path, choices: Choices) -> Summary:
    """Color photos into the folder `out`, or one into the file `out`.

    A result that is there, by the record of `out`, is not made again. What went wrong with a photo
    is a line on standard error, and the others go on; the summary is a line on standard output,
    also where it ends early.

    Raises:
        HuescapeError: `out` cannot be written, or holds what is not this command's own (before any
            photo is colored); a model that cannot be loaded; photos that could not be colored.
        ParamsError: a number out of range, or `asked` of a regression.
        KeyboardInterrupt: what is finished stays, and another call goes on.
    """
    choices.check()
    if not photos:
        raise ParamsError("no photo to color; allowed: photos, or folders that hold some")
    begin, summary = time.monotonic(), Summary()
    folder = out.parent if (is_file := is_one_file(out, photos)) else out
    with made(folder), nullcontext(Record()) if is_file else held(folder) as record:
        if record.damaged:
            _say(
                f"{folder / NAME}: damaged in line {record.damaged[0]}"
                f" (of {len(record.damaged)}); results that it told of count as somebody else's"
            )
        plan = _plan(photos, out, record, choices, is_file)
        summary.done = plan.done
        count = worker_count(choices.workers, len(plan.jobs))
        colorist = _colorist(choices, plan, count, not is_file)
        try:
            _work(colorist, plan.jobs, count, summary.skipped)
        finally:
            summary.colored = sum(is_written(job) for job in plan.jobs)
            summary.seconds = time.monotonic() - begin
            print(f"colorize: {summary}", flush=True)
    if summary.skipped:
        total = len(plan.jobs) + plan.done
        raise HuescapeError(f"{summary.skipped.total()} of {total} photos could not be colored")
    return summary


def worker_count(asked: int | None, photos: int) -> int:
    """How many processes color so many photos: `asked`, else as many as are worth their start."""
    most = asked or min(runtime.workers(), photos // _PHOTOS_A_WORKER)
    return max(1, min(most, photos))


def _plan(
    photos: Sequence[Photo], out: Path, record: Record, choices: Choices, is_file: bool
) -> Plan:
    if is_file:
        return planned(photos, [out.name], out.parent, record, {}, choices.overwrite)
    if results := own_results(photos, out, record):
        _say(f"{out}: {len(results)} results of colorize in there are not colored again")
        photos = [photo for photo in photos if photo not in results]
    names = result_names(photos, out, choices.naming, record.names())
    return planned(photos, names, out, record, _settings(choices), choices.overwrite)


def _colorist(choices: Choices, plan: Plan, workers: int, is_recorded: bool) -> Colorist:
    threads = max(1, runtime.torch_threads() // workers)
    if choices.asked and plan.jobs:
        system = loaded(choices.model, choices.device, threads)
        refuse_decoding(system, choices.model.name, choices.asked)
    return Colorist(
        model=choices.model,
        device=choices.device,
        threads=threads,
        manner=choices.manner,
        compares=choices.compares,
        max_pixels=int(choices.max_megapixels * 1e6),
        settings=_settings(choices) if is_recorded else None,
        inputs=plan.inputs,
    )


def _work(colorist: Colorist, jobs: Sequence[Job], workers: int, skipped: Counter[str]) -> None:
    """Color what is left; count what could not be colored, by reason."""
    lines: list[str] = []  # kept until the bar is gone
    try:
        with (
            _bar(len(jobs)) as shown,
            closing(_outcomes(colorist, jobs, workers)) as outcomes,
        ):
            for outcome in outcomes:
                shown.update()
                lines += outcome.words
                if outcome.failure is not None:
                    lines.append(outcome.failure)
                    skipped[outcome.reason] += 1
                if outcome.is_hopeless:
                    break
    finally:
        for line in lines:
            _say(line)
    left = len(jobs) - skipped.total() - sum(is_written(job) for job in jobs)
    if left:
        _say(f"{left} more were not tried")
        skipped["not tried"] += left


def _bar(total: int) -> tqdm[Any]:
    return bar(total=total, desc="colorize")


def _settings(choices: Choices) -> dict[str, Any]:
    """What a record says of how a result was made."""
    model = weights_digest(choices.model)
    return {"model": model, "compares": choices.compares, **choices.manner.settings()}


def _outcomes(
    colorist: Colorist, jobs: Sequence[Job], count: int
) -> Generator[Outcome, None, None]:
    """What became of each job, in their order; closed early, those under way end first."""
    yield from map_ordered(colorist, jobs, chunk=1, count=count)


def _say(line: str) -> None:
    print(one_line(line), file=sys.stderr, flush=True)
