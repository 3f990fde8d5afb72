"""What many processes make comes in order, and none runs far ahead of the one that takes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TAKING = Path(__file__).with_name("taking.py")


@pytest.mark.long
@pytest.mark.parametrize(("processes", "count"), [(1, 5), (3, 40), (3, 2)])
def test_in_order_and_a_few_ahead(tmp_path: Path, processes: int, count: int) -> None:
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *start, str(TAKING), str(tmp_path), str(count)]
    if processes == 1:
        (tmp_path / "made-none").touch()  # nobody else makes any
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads((tmp_path / f"taken-{rank}.json").read_text()) for rank in range(processes)]
    assert [one["taken"] for one in found] == [[*range(count)], *[[]] * (processes - 1)]
    # Of two others each has four on the way, and the next one in hand.
    assert found[0]["ahead"] == {1: 1, 3: min(10, count * 2 // 3)}[processes]
