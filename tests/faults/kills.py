"""Kill the pipeline many times and count what that does: `make faults KILLS=200 SEED=0`.

Episodes of a tiny project, two at a time. Each is killed at moments that follow from the seed,
started again by a random engine until it is done, and compared with an undisturbed run. An
interrupted run goes on with the same command, as long as the commit is the same. The events are in
`benchmarks-runs/faults-SEED/events.jsonl`, the trees and logs of failing episodes beside them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.scratch import ROOT
from tests.faults.counts import commit, summary
from tests.faults.episode import Episode, Outcome, Plan, Stopped
from tests.faults.processes import kill, working
from tests.faults.project import Starts, make_starts

RESULT = ROOT / "benchmarks" / "results" / "faults.json"


class Events:
    """A file of JSON lines that a later run reads: which episodes are done, and at which commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.Lock()

    def done(self) -> dict[int, dict[str, Any]]:
        """The finished episodes of this commit by number; a cut last line is passed over."""
        found: dict[int, dict[str, Any]] = {}
        for event in self._read():
            if event["event"] == "episode" and event["commit"] == commit():
                found[event["plan"]["number"]] = event
        return found

    def add(self, event: Mapping[str, Any]) -> None:
        """Append one event."""
        with self._writing, self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(event) + "\n")

    def _read(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


class Run:
    """Episodes of one seed until there were enough kills."""

    def __init__(self, work: Path, seed: int, kills: int, jobs: int) -> None:
        self.work, self.seed, self.kills, self.jobs = work, seed, kills, jobs
        work.mkdir(parents=True, exist_ok=True)
        self.events = Events(work / "events.jsonl")
        self.stop = threading.Event()
        self._began = time.monotonic()

    def run(self) -> list[dict[str, Any]]:
        """The records of all episodes, those of an earlier, interrupted run included."""
        done = self.events.done()
        self._say(f"{_kills(done)} of {self.kills} kills done; an undisturbed run first")
        shutil.rmtree(self.work / "starts", ignore_errors=True)
        starts = make_starts(self.work / "starts", replaced=True)
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                self._episodes(pool, starts, done)
            except KeyboardInterrupt:
                self._interrupt()
                raise
        return [done[number] for number in sorted(done)]

    def _episodes(
        self, pool: ThreadPoolExecutor, starts: Starts, done: dict[int, dict[str, Any]]
    ) -> None:
        numbers = (number for number in count() if number not in done)
        running: set[Future[Outcome]] = set()
        while running or _kills(done) < self.kills:
            while len(running) < self.jobs and _kills(done) < self.kills:
                running.add(pool.submit(self._episode, next(numbers), starts))
            ready, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in ready:
                outcome = future.result()
                record = {"event": "episode", "commit": commit(), **asdict(outcome)}
                record["good"] = outcome.good
                self.events.add(record)
                done[outcome.plan.number] = record
                self._tell(outcome, _kills(done))

    def _episode(self, number: int, starts: Starts) -> Outcome:
        plan = Plan.of(number, self.seed, starts)
        return Episode(plan, starts, self.work / f"e{number:04d}", self.stop).run(self.events.add)

    def _tell(self, outcome: Outcome, kills: int) -> None:
        what = "ok"
        if not outcome.good:
            kept = self.work / f"e{outcome.plan.number:04d}"
            what = f"FAILED, kept in {kept}: {json.dumps(_found(outcome))}"
        self._say(
            f"episode {outcome.plan.number} from `{outcome.plan.start}`: {len(outcome.kills)} "
            f"kills in {outcome.seconds:.0f} s, {what} ({kills} of {self.kills} kills)"
        )

    def _interrupt(self) -> None:
        """End what the episodes have started; they stop at their next look."""
        self.stop.set()
        for root in self.work.glob("e*/"):
            kill(working(root))
        self._say("interrupted; the same command goes on")

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.0f} s] {text}", flush=True)


def _kills(done: Mapping[int, Mapping[str, Any]]) -> int:
    return sum(len(record["kills"]) for record in done.values())


def _found(outcome: Outcome) -> dict[str, Any]:
    found = {
        "repairs": [(repair["remedy"], repair["says"][:2]) for repair in outcome.repairs],
        "orphans": outcome.orphans,
        "hangs": outcome.hangs,
        **asdict(outcome.faults),
    }
    return {kind: what for kind, what in found.items() if what}


def main() -> int:
    """0 when no kill did any harm, 1 when one did, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="episodes at a time")
    parser.add_argument("--work", type=Path, help="default: benchmarks-runs/faults-SEED")
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    work = (options.work or ROOT / "benchmarks-runs" / f"faults-{options.seed}").resolve()
    try:
        records = Run(work, options.seed, options.kills, options.jobs).run()
    except (KeyboardInterrupt, Stopped):
        return 130
    counted = summary(records, seed=options.seed, kills=options.kills)
    options.output.write_text(json.dumps(counted, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(counted["found"], indent=1))
    print(f"{counted['kills']} kills in {counted['episodes']} episodes: {options.output}")
    return int(any(not record["good"] for record in records))


if __name__ == "__main__":
    sys.exit(main())
