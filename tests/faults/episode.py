"""One episode: a project is killed some times, started again by either engine, and judged."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.attacks import Attack, choose, stages_to_run
from tests.faults.checks import Faults, judge
from tests.faults.moments import wait_for
from tests.faults.processes import command_line, kill, strike, working
from tests.faults.project import ENGINES, Starts
from tests.faults.repairs import REMEDIES

#: What a stage that lost its engine takes to end: it looks once a second, then saves its work.
ORPHAN_SECONDS = 45.0
_ATTEMPTS = 14


class Stopped(Exception):
    """The person who watches stops the whole run."""


@dataclass(frozen=True)
class Plan:
    """What is decided before an episode begins: the rest follows from its seed."""

    number: int
    seed: str
    start: str
    kills: int
    tracking: bool

    @classmethod
    def of(cls, number: int, seed: int, starts: Starts) -> Plan:
        """Episode `number` of a run with this seed: the same each time."""
        rng = random.Random(f"{seed}/{number}/plan")
        start = rng.choice([name for name in starts.trees if name != "done"])
        return cls(number, f"{seed}/{number}", start, rng.randint(5, 8), rng.random() < 0.35)


@dataclass
class Outcome:
    """What happened in an episode, as a line of JSON."""

    plan: Plan
    kills: list[dict[str, Any]] = field(default_factory=list)
    repairs: list[dict[str, Any]] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    seconds: float = 0.0
    broken_off: bool = False

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        found = self.repairs, self.orphans, self.hangs, self.faults.any()
        return not any(found) and not self.broken_off


class Episode:
    """Runs a plan in `root`; what the engines print goes into `log`."""

    def __init__(self, plan: Plan, starts: Starts, root: Path, stop: threading.Event) -> None:
        self.plan, self.starts, self.root = plan, starts, root
        self.log = root.with_suffix(".log")
        self.outcome = Outcome(plan)
        self._stop = stop
        self._rng = random.Random(plan.seed)
        tracking = "on" if plan.tracking else "off"
        self._environment = {
            **starts.environment,
            "PYTHONPATH": str(root / "src"),
            "HUESCAPE_TRACKING": tracking,
        }

    def run(self, told: Callable[[Mapping[str, Any]], None] = lambda event: None) -> Outcome:
        """Kill, start again until all is done, judge. A tree without a fault is removed.

        `told` is told each kill. Raises Stopped.
        """
        began = time.monotonic()
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)
        self.starts.copy(self.plan.start, self.root)
        if self.plan.start == "nothing":
            time.sleep(2.1)  # the hashes of files younger than that are not remembered
        self._attack(told)
        if not self.outcome.broken_off:
            self._finish()
        self.outcome.seconds = round(time.monotonic() - began, 1)
        if self.outcome.good:
            shutil.rmtree(self.root)
            self.log.unlink()
        return self.outcome

    def _attack(self, told: Callable[[Mapping[str, Any]], None]) -> None:
        for _ in range(_ATTEMPTS):
            killed = len(self.outcome.kills)
            to_run = stages_to_run(self.root, self.starts.lock)
            if killed >= self.plan.kills or not to_run:
                return
            attack = choose(to_run, self._rng)
            if self._killed(attack):
                told({"event": "kill", "episode": self.plan.number, **self.outcome.kills[-1]})
            elif self.outcome.broken_off:
                return

    def _killed(self, attack: Attack) -> bool:
        """Start an engine and kill at the moment; False when it ended before."""
        begun = self.log.stat().st_size if self.log.exists() else 0
        process = self._start(ENGINES[attack.engine])
        mode, hit = attack.mode, None
        if wait_for(attack, process, self.root, self.log, begun):
            hit = strike(process, mode, self._rng)
            if hit is None:  # the stage or worker has ended this moment
                mode = "group"
                hit = strike(process, mode, self._rng)
        code = self._wait(process)
        if hit is None:
            if code:
                self._repair(attack.engine)
            return False
        self.outcome.kills.append({**asdict(attack), "mode": mode, "hit": hit, "code": code})
        if self._rng.random() < 0.5:  # else the next run starts beside what is still ending
            self._wait_for_orphans()
        return True

    def _finish(self) -> None:
        """Everything up to the page, by either engine; then the judgement of what is there."""
        engine = self._rng.choice(list(ENGINES))
        if self._run(ENGINES[engine]):
            self._repair(engine)
        self._wait_for_orphans()
        if self.plan.tracking and self._run(("huescape", "track")):
            self.outcome.faults.tracking.append("`huescape track` fails")
        environment = {**self._environment, "HUESCAPE_TRACKING": "off"}
        judge(self.root, self.starts, environment, self.plan.tracking, self.outcome.faults)

    def _repair(self, engine: str) -> None:
        """A run that nobody killed failed: what a person would have to do."""
        says = _errors(self.log)
        helped = "none"
        for remedy, act in REMEDIES.items():
            act(self.root, self._environment)
            if self._run(ENGINES[engine]) == 0:
                helped = remedy
                break
        self.outcome.broken_off = helped == "none"
        last = self.outcome.kills[-1:]
        self.outcome.repairs.append(
            {"engine": engine, "says": says, "remedy": helped, "after": last}
        )

    def _wait_for_orphans(self) -> None:
        end = time.monotonic() + ORPHAN_SECONDS
        while (left := working(self.root)) and time.monotonic() < end:
            time.sleep(0.1)
        self.outcome.orphans += [command_line(process) for process in left]
        kill(left)

    def _run(self, command: tuple[str, ...]) -> int:
        return self._wait(self._start(command))

    def _start(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        if self._stop.is_set():
            raise Stopped
        with self.log.open("ab") as log:
            log.write(f"\n=== {' '.join(command)}\n".encode())
            log.flush()
            return subprocess.Popen(
                command,
                cwd=self.root,
                env={**self._environment, "HUESCAPE_WORKERS": "2"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            code = process.wait(180)
        except subprocess.TimeoutExpired:
            left = working(self.root)
            self.outcome.hangs += [command_line(other) for other in left]
            kill(left)
            code = process.wait()
        if self._stop.is_set():
            raise Stopped
        return code


def _errors(log: Path) -> list[str]:
    """The lines of the last run that look like its reason."""
    text = log.read_text(errors="replace").split("\n=== ")[-1]
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if re.search("error|exception|lock", line, re.I)]
    return [line[:200] for line in telling[:6]]
