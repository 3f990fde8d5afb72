"""Hearing C libraries: nothing gets through, nothing hangs, and our own lines are not lost."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.photos import PhotoError, open_photo
from huescape.photos.stderr import heard
from tests.faults.pictures import noise, saved


def test_lines_are_heard_and_ours_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    print("before", file=sys.stderr)
    with heard() as lines:
        os.write(2, b"from a library\nand more\n")
    print("after", file=sys.stderr)
    assert lines == ["from a library", "and more"]
    assert capfd.readouterr().err == "before\nafter\n"


def test_an_error_inside_leaves_everything_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    gc.collect()  # else what earlier tests left open may be closed in between
    opened = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(ValueError, match="inside"), heard():
        raise ValueError("inside")
    os.write(2, b"shown\n")
    assert capfd.readouterr().err == "shown\n"
    assert len(list(Path("/dev/fd").iterdir())) == opened


def test_a_process_that_still_holds_the_pipe_is_not_waited_for() -> None:
    code = """
import subprocess
from huescape.photos.stderr import heard
with heard() as lines:
    child = subprocess.Popen(["sleep", "60"])
print(lines)
child.kill()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_flood_does_not_hang() -> None:
    code = """
import os
from contextlib import suppress
from huescape.photos.stderr import heard
with heard() as lines:
    for _ in range(10_000):
        with suppress(BlockingIOError):
            os.write(2, b"x" * 99 + b"\\n")
print(len(lines) > 100)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_without_standard_error_a_photo_is_still_read() -> None:
    code = """
import os, sys
from huescape.photos import open_photo
data = sys.stdin.buffer.read()
os.close(2)
print(open_photo(data).size)
"""
    data = saved(noise(), "TIFF", compression="tiff_lzw")
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert done.stdout == b"(60, 40)\n"


def test_what_libtiff_says_is_the_reason(capfd: pytest.CaptureFixture[str]) -> None:
    """Damaged strips: libtiff prints a line for each; Pillow says only `decoder error -2`."""
    data = bytearray(saved(Image.fromarray(np.zeros((600, 40), np.uint8)), "TIFF",
                           compression="tiff_adobe_deflate", strip_size=40))  # fmt: skip
    data[12:40] = b"\xff" * 28
    with pytest.raises(PhotoError, match="ZIPDecode") as caught:
        open_photo(bytes(data))
    assert caught.value.reason == "undecodable"
    assert capfd.readouterr().err == ""
