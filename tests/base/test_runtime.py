"""Settings of the machine: any text in a variable gives a value, or one line."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base import runtime
from huescape.base.errors import ParamsError

_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("16", 16), ("999999", 999_999)])
def test_whole_numbers_count(monkeypatch: pytest.MonkeyPatch, text: str, number: int) -> None:
    monkeypatch.setenv("HUESCAPE_WORKERS", text)
    assert runtime.workers() == number


@pytest.mark.parametrize("text", ["0", "-1", "1e3", "²", "٣", " 2", "many", "9" * 5001])
def test_other_texts_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HUESCAPE_THREADS", text)
    with pytest.raises(ParamsError, match=r"HUESCAPE_THREADS is .*; allowed: ") as caught:
        runtime.torch_threads()
    assert len(str(caught.value)) < 200


@given(text=_TEXTS)
def test_any_text_is_a_number_or_refused(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUESCAPE_WORKERS", text)
        with suppress(ParamsError):
            assert runtime.workers() >= 1


def test_processes_of_torchrun_share_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TORCHELASTIC_RUN_ID", "HUESCAPE_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(runtime, "cpus", lambda: 8)
    # Other programs set these, too: without torchrun they mean nothing.
    for name, value in (("RANK", "5"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "3")):
        monkeypatch.setenv(name, value)
    assert (runtime.rank(), runtime.local_rank(), runtime.torch_threads()) == (0, 0, 8)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    assert (runtime.rank(), runtime.local_rank(), runtime.torch_threads()) == (5, 1, 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "16")
    assert runtime.torch_threads() == 1


def test_processes_of_torchrun_share_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUESCAPE_WORKERS", "7")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert runtime.workers() == 7
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    assert runtime.workers() == 3
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    assert runtime.workers() == 1


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUESCAPE_STATE", "")
    assert runtime.state_dir() == Path(".huescape")


def test_each_variable_is_named_here_alone_and_documented() -> None:
    root = Path(runtime.__file__).parents[3]
    table = (root / "docs/environment.md").read_text(encoding="utf-8")
    known = {value for value in vars(runtime).values() if str(value).startswith("HUESCAPE_")}
    assert {name for name in known if f"`{name}`" not in table} == set()
    for file in [*(root / "src").rglob("*.py"), root / "workflow/Snakefile"]:
        text = file.read_text(encoding="utf-8")
        assert set(re.findall(r"HUESCAPE_[A-Z_]+", text)) <= known, file
        assert file.name == "runtime.py" or not re.search(r"[\"']HUESCAPE_\w+[\"']", text), file
