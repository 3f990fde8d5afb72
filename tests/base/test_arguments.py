"""An empty word on a command line is a mistake, never the current folder or the usual model."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.base.arguments import given, given_path
from huescape.cli import main


def test_words_stay_what_they_are() -> None:
    assert given(" ") == " "
    assert given_path("a/../b") == Path("a/../b")
    assert given_path(".") == Path()


@pytest.mark.parametrize(
    "command",
    [
        ["colorize", "a.png", "-o", ""],
        ["colorize", "", "-o", "out"],
        ["colorize", "a.png", "-o", "out", "--system", ""],
        ["colorize", "a.png", "-o", "out", "--hints-mask", ""],
        ["gallery", "a.png", "-o", ""],
        ["export", "landscape", "-o", ""],
        ["demo", "--system", ""],
    ],
)
def test_an_empty_word_is_refused(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert "is empty; allowed: a name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
