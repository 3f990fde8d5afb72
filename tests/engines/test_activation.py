"""The engines run stages by the project's own Python, in an activated environment or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

#: What a login gives: no `python` that has the packages.
PLAIN = "/usr/bin:/bin"


@pytest.mark.parametrize("command", [("dvc", "repro", "check"), ("snakemake", "-c1", "check")])
def test_an_engine_works_without_activation(fresh: Any, command: tuple[str, ...]) -> None:
    (fresh.root / ".venv").symlink_to(sys.prefix)
    program = str(Path(sys.prefix) / "bin" / command[0])
    fresh.run(program, *command[1:], PATH=PLAIN, VIRTUAL_ENV="")
    assert fresh.ran() == ["check"]
    assert sys.prefix not in (fresh.root / "dvc.lock").read_text()


def test_without_any_environment_one_line_says_what_to_do(fresh: Any) -> None:
    program = str(Path(sys.prefix) / "bin" / "dvc")
    assert fresh.run(program, "repro", "check", check=False, PATH=PLAIN, VIRTUAL_ENV="") != 0
    assert "huescape: error: no Python here has the packages" in fresh.output
    assert "Traceback" not in fresh.output
