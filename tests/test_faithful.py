"""The page of published values: every preset is on it, and every test that it names is there."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRESETS = sorted(path.parent.name for path in (ROOT / "src/huescape/presets").glob("*/preset.yaml"))
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (ROOT / "docs/faithful.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| system |")
]


def test_every_preset_has_its_items() -> None:
    patterns = {pattern for row in ROWS for pattern in re.findall(r"`([a-z0-9_*]+)`", row[0])}
    assert len(PRESETS) > 10
    for preset in PRESETS:
        assert any(fnmatch.fnmatchcase(preset, pattern) for pattern in patterns), preset
    for pattern in patterns:
        assert fnmatch.filter(PRESETS, pattern), pattern


def test_every_row_is_whole_and_names_tests_that_exist() -> None:
    for row in ROWS:
        assert len(row) == 7, row
        assert all(row), row
        for path in re.findall(r"`([^`]+)`", row[6]):
            assert (ROOT / "tests" / path).is_file(), row
