"""What each process of `test_turns.py` does, started by torchrun: it makes numbers for the first.

    taking.py FOLDER COUNT

The first takes none before the others have stopped making more, and says how far they came.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from huescape.base import runtime
from huescape.distributed import group
from huescape.distributed.turns import in_turns


def made(folder: Path, count: int) -> Iterator[np.ndarray]:
    """So many arrays of a megabyte, noted as they are made."""
    for number in range(group.number(), count, group.count()):
        (folder / f"made-{number}").touch()
        yield np.full(2**17, number, np.int64)


def settled(folder: Path) -> int:
    """How many are made once no more come."""
    before = -1
    while (now := len(list(folder.glob("made-*")))) != before or not now:
        before = now
        time.sleep(1)
    return before


def main(folder: Path, count: int) -> None:
    """Take them all, in order."""
    with group.together(torch.device("cpu")):
        ahead = settled(folder) if group.is_first() else 0
        turns = [number % group.count() for number in range(count)]
        taken = [int(one[0]) for one in in_turns(made(folder, count), turns)]
    record = {"taken": taken, "ahead": ahead}
    (folder / f"taken-{runtime.rank()}.json").write_text(json.dumps(record), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
