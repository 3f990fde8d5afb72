"""A store or its artifacts that may not be written: one line, and all is sent once they may."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.permissions import bound, unwritable
from tests.faults.test_tracking_faults import IN_A_PROCESS, STORE, check, in_a_process, publish


def _train() -> list[str]:
    """Train in a process that permission bits bind; the lines that it says."""
    lines = in_a_process(IN_A_PROCESS, *bound())
    return [line for line in lines if "warning" in line or "Error" in line]


@pytest.mark.parametrize("name", ["mlflow.db", "mlruns", "both"])
def test_what_may_not_be_written_is_one_line_and_gets_all_once_it_may(
    store: str, model: Path, name: str
) -> None:
    Path("mlruns").mkdir()
    tops = (STORE, Path("mlruns")) if name == "both" else (Path(name),)
    with unwritable(*tops):
        lines = _train()
    assert len(lines) == 1, lines
    assert "readonly" in lines[0] or "Permission denied" in lines[0], lines
    publish()
    check(store)


def test_a_state_folder_that_may_not_be_written_leaves_the_training_untracked(
    store: str, model: Path
) -> None:
    with unwritable(Path(".huescape")):
        [line] = _train()
        assert "this run is not tracked" in line
        assert ".huescape" in line
    assert list(Path(".huescape").iterdir()) == []
    assert _train() == []
    check(store)
