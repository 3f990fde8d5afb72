"""What the stages took on this machine: a line each, for `huescape cost` and nobody else.

It is no output of a stage, and no run needs it: one that cannot be written is not written.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

#: Of this folder, wherever HUESCAPE_STATE is.
RECORD = Path(".huescape/costs.jsonl")


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
        with RECORD.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(cost)) + "\n")


def kept(path: Path = RECORD) -> list[Cost]:
    """All lines, oldest first; those that a crash cut short are left out, and none is no error."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with suppress(ValueError, TypeError):
            found.append(Cost(**json.loads(line)))
    return found


def _peak() -> int:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    most = max(resource.getrusage(one).ru_maxrss for one in whose)
    return most if sys.platform == "darwin" else most * 1024  # kB everywhere else
