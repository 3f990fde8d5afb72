"""What holds for every test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from huescape.cli import main

# No deadline: a busy machine is not a wrong result.
settings.register_profile("huescape", deadline=None)
settings.load_profile("huescape")

Called = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Runs `huescape ARGUMENTS` in a folder, in this process: its libraries are imported once.

    For the many ways in which one command is refused; that it starts is for real processes to show.
    """

    def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        capsys.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as end:  # of argparse
            code = int(end.code or 0)
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return call
