"""One of the processes that a stage started is killed, or all are told to stop."""

from __future__ import annotations

import signal
import subprocess

import psutil
import pytest

RANKS = ("0", "1")
#: Marks a test that takes `killed`.
EACH_OF_TWO = pytest.mark.parametrize("killed", [*RANKS, "all", "launcher"])
ONE_LINE = "huescape: error: process {} of 2 (the first is 0) was ended by SIGKILL; "


def kill(process: subprocess.Popen[str], killed: str) -> list[str]:
    """Kill it (`EACH_OF_TWO`) and wait for all of its processes; returns what was said."""
    ranks = psutil.Process(process.pid).children()
    by_number = {rank.environ()["RANK"]: rank for rank in ranks}
    assert set(by_number) == set(RANKS)
    if killed == "launcher":
        process.kill()
    elif killed == "all":
        process.send_signal(signal.SIGINT)
    else:
        by_number[killed].kill()
    _, stderr = process.communicate(timeout=300)
    assert psutil.wait_procs(ranks, timeout=60)[1] == []  # nobody stays behind
    return lines(stderr)


def lines(stderr: str) -> list[str]:
    """What was said, without the bar."""
    return [line for line in stderr.replace("\r", "\n").splitlines() if "huescape:" in line]
