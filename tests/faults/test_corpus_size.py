"""How many bad inputs there are in all, and that each is of its own."""

from __future__ import annotations

import importlib
from pathlib import Path

LEAST = 500


def test_there_are_enough_bad_inputs() -> None:
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_bad_*.py"))
    counts = {name: len(importlib.import_module(f"tests.faults.{name}").CASES) for name in names}
    assert all(counts.values()), f"a corpus is empty: {counts}"
    assert sum(counts.values()) >= LEAST, counts
