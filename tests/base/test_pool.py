"""Worker processes: order, errors, counting, and that nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

PRELUDE = """
import os, signal, sys, time
from pathlib import Path
from huescape.base.errors import HuescapeError
from huescape.photos import PhotoError
from huescape.base.pool import advance, map_ordered, run_each, working_on
HERE = Path(sys.argv[1])

if __name__ == "__mp_main__" and "slow to load" in sys.argv:
    (HERE / f"loading-{os.getpid()}").touch()
    time.sleep(2)

def square(n):
    time.sleep(0.002 * (n % 3))
    return n * n

def fail_at_5(n):
    if n == 5:
        raise PhotoError("missing", "five")
    return n

def end_at_5(n):
    working_on(f"photo-{n}.jpg")
    advance(0)
    if n == 5:
        how = sys.argv[2]
        os._exit(9) if how == "exit" else os.kill(os.getpid(), getattr(signal, how))
        time.sleep(60)
    return n

def slow(n):
    (HERE / f"begun-{n}").write_text(str(os.getpid()))
    for step in range(600):
        advance()
        time.sleep(0.05)
    (HERE / f"ended-{n}").touch()

def fail_or_slow(n):
    if n == 1:
        time.sleep(0.5)
        raise HuescapeError("no space")
    slow(n)

def touch(n):
    advance(3)
    (HERE / str(n)).touch()

"""


def start(tmp_path: Path, body: str, workers: int, *more: str) -> subprocess.Popen[str]:
    """Run `body` in a program of its own: workers import functions by the program's file."""
    script = tmp_path / "program.py"
    main = textwrap.indent(textwrap.dedent(body), "    ")
    script.write_text(PRELUDE + 'if __name__ == "__main__":\n' + main)
    return subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HUESCAPE_WORKERS": str(workers)},
        # A shell's background job ignores the signal, and would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        process_group=0,
    )


def finish(process: subprocess.Popen[str], seconds: float = 60) -> str:
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err
    return out


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(tmp_path: Path, workers: int) -> None:
    out = finish(start(tmp_path, "print(list(map_ordered(square, range(100), chunk=3)))", workers))
    assert out == f"{[n * n for n in range(100)]}\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_error_of_the_function_is_raised(tmp_path: Path, workers: int) -> None:
    body = """
    try:
        list(map_ordered(fail_at_5, range(50), chunk=2))
    except PhotoError as error:
        print(error.reason, error.detail)
    """
    assert finish(start(tmp_path, body, workers)) == "missing five\n"


@pytest.mark.parametrize(
    "call",
    [
        "list(map_ordered(end_at_5, range(50), chunk=2))",
        "run_each(end_at_5, range(50), count=50, total=None, desc='x', unit='photo')",
    ],
    ids=["map_ordered", "run_each"],
)
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("SIGKILL", "was killed (SIGKILL: the system does that when memory runs out)"),
        ("SIGSEGV", "crashed (SIGSEGV)"),
        ("exit", "died (exit code 9)"),
    ],
)
def test_a_dead_worker_is_one_line_with_its_photo(
    tmp_path: Path, call: str, how: str, words: str
) -> None:
    body = f"""
    try:
        {call}
    except HuescapeError as error:
        print(error)
    """
    out = finish(start(tmp_path, body, 2, how))
    assert out.startswith(f"a worker process {words} while it worked on photo-5.jpg; the same ")
    assert out.count("\n") == 1


def test_items_are_taken_only_as_needed(tmp_path: Path) -> None:
    """Flat memory: the producer stays a bounded number of items ahead of the consumer."""
    body = """
    taken = []
    def items():
        for n in range(10_000):
            taken.append(n)
            yield n
    results = map_ordered(square, items(), chunk=4)
    next(results)
    print(len(taken))
    results.close()
    """
    assert int(finish(start(tmp_path, body, 2))) <= 4 * (2 * 2 + 1)


def test_run_each_takes_items_only_as_needed(tmp_path: Path) -> None:
    body = """
    ahead = 0
    def items():
        global ahead
        for n in range(60):
            done = sum(path.name.isdigit() for path in HERE.iterdir())
            ahead = max(ahead, n - done)
            yield n
    run_each(touch, items(), count=60, total=None, desc="x", unit="photo")
    print(ahead)
    """
    assert int(finish(start(tmp_path, body, 2))) <= 2 * 2


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("total", [None, 21])
def test_run_each_runs_each_once(tmp_path: Path, workers: int, total: int | None) -> None:
    body = f"run_each(touch, range(7), count=7, total={total}, desc='x', unit='photo')"
    finish(start(tmp_path, body, workers))
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.isdigit()) == list("0123456")


def test_failure_stops_the_others_at_once(tmp_path: Path) -> None:
    body = """
    try:
        run_each(fail_or_slow, [0, 1, 2, 3], count=4, total=100, desc="x", unit="photo")
    except HuescapeError as error:
        print(error)
    """
    begin = time.monotonic()
    assert finish(start(tmp_path, body, 2)) == "no space\n"
    assert time.monotonic() - begin < 20  # one item alone takes 30 s
    assert not list(tmp_path.glob("ended-*"))


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path: Path, signal_number: int) -> None:
    process = start(tmp_path, "run_each(slow, [0, 1], count=2, total=9, desc='x', unit='photo')", 2)
    deadline = time.monotonic() + 90
    while len(list(tmp_path.glob("begun-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.1)
    pids = [int(path.read_text()) for path in tmp_path.glob("begun-*")]
    assert len(pids) == 2
    process.send_signal(signal_number)
    process.communicate(timeout=20)
    while any(map(running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(running, pids))
    assert not list(tmp_path.glob("ended-*"))


def test_a_worker_that_loads_its_modules_is_silent_about_ctrl_c(tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to the whole group, and so to workers that have just been started."""
    body = """
    try:
        run_each(slow, [0, 1], count=2, total=9, desc="x", unit="photo")
    except KeyboardInterrupt:
        print("interrupted")
    """
    process = start(tmp_path, body, 2, "slow to load")
    while not list(tmp_path.glob("loading-*")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("interrupted\n", 0)
    assert "Traceback" not in err


def running(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not Path("/proc").is_dir() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
