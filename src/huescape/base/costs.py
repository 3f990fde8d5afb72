"""What the stages took on this machine: a line each, for `huescape cost` and nobody else.

It is no output of a stage, and no run needs it: one that cannot be written is not written.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from huescape.base.regular import read_regular

#: Of this folder, wherever HUESCAPE_STATE is.
RECORD = Path(".huescape/costs.jsonl")
_END_OF_DATES = 253402300800  # the year 10000


@dataclass(frozen=True)
class Cost:
    """One run of a stage: its words (`evaluate colorunet`), what it took, and when it ended.

    `peak_bytes` is the most memory that the process, or any one of its children, held at once.
    `photos` and `steps` are what the stage counts itself, None where it does not.
    """

    stage: str
    seconds: float
    peak_bytes: int
    ended: int
    photos: float | None = None
    steps: float | None = None


def keep(words: Sequence[str], seconds: float, counted: Mapping[str, float] | None) -> None:
    """Add a line for a stage that has just ended in this process."""
    numbers = counted or {}
    photos, steps = numbers.get("photos"), numbers.get("steps")
    cost = Cost(" ".join(words), round(seconds, 3), _peak(), int(time.time()), photos, steps)
    with suppress(OSError):  # a full disk, or a folder of somebody else
        RECORD.parent.mkdir(exist_ok=True)
        descriptor = os.open(RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            # At once, as two stages may end together, and away from a line that was cut short.
            stream.write(f"\n{json.dumps(asdict(cost))}\n")


def kept(path: Path = RECORD) -> list[Cost]:
    """All lines, oldest first; what no stage has written so is left out, and none is no error."""
    try:
        lines = read_regular(path).decode(errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with suppress(ValueError, TypeError, RecursionError):
            found.append(_read(line))
    return found


def _read(line: str) -> Cost:
    """Raises ValueError, TypeError or RecursionError for what no stage has written."""
    cost = Cost(**json.loads(line))
    numbers = cost.seconds, cost.peak_bytes, cost.ended, cost.photos or 0, cost.steps or 0
    if not all(0 <= value < 1e15 for value in numbers) or cost.ended >= _END_OF_DATES:
        raise ValueError("no run takes so much")
    if not isinstance(cost.stage, str):
        raise TypeError("no name")
    return cost


def _peak() -> int:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    most = max(resource.getrusage(one).ru_maxrss for one in whose)
    return most if sys.platform == "darwin" else most * 1024  # kB everywhere else
