from __future__ import annotations

from pathlib import Path

import pytest

from huescape.tracking import ledger as ledgers
from huescape.tracking.ledger import Ledger, folder_digest

HERE, THERE = "sqlite:///mlflow.db", "http://there"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "tracking")


def test_a_model_leads_to_its_run_at_its_own_destination_only(ledger: Ledger) -> None:
    ledger.remember_model("colorunet", "aa", "run1", HERE)
    ledger.remember_model("colorunet", "bb", "run2", HERE)
    assert ledger.run_of_model("colorunet", "aa", HERE) == "run1"
    assert ledger.run_of_model("colorunet", "bb", HERE) == "run2"
    assert ledger.run_of_model("colorunet", "aa", THERE) is None
    assert ledger.run_of_model("other", "aa", HERE) is None


def test_an_unfinished_training_is_forgotten_when_it_is_finished(ledger: Ledger) -> None:
    ledger.remember_unfinished("a/b", "key", "run1", HERE)
    assert ledger.unfinished_run("a/b", "key", HERE) == "run1"
    ledger.forget_unfinished("a/b", "key")
    assert ledger.unfinished_run("a/b", "key", HERE) is None


def test_the_oldest_models_are_forgotten_first(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "REMEMBERED", 3)
    for number in (5, 3, 9, 1):  # digests have no order in time
        ledger.remember_model("s", f"{number}", f"run{number}", HERE)
    ledger.remember_model("s", "3", "again", HERE)
    ledger.remember_model("s", "7", "run7", HERE)
    kept = [number for number in range(10) if ledger.run_of_model("s", f"{number}", HERE)]
    assert kept == [1, 3, 7]
    assert ledger.run_of_model("s", "3", HERE) == "again"


def test_last_steps_only_rise(ledger: Ledger) -> None:
    ledger.remember_run("r", HERE, "id1")
    ledger.remember_steps("r", {"loss": 5, "lr": 5})
    ledger.remember_steps("r", {"loss": 3, "new": 0})
    assert ledger.last_steps("r") == {"loss": 5, "lr": 5, "new": 0}
    assert ledger.run_id("r") == "id1"


def test_a_damaged_file_is_made_again(ledger: Ledger) -> None:
    ledger.remember_model("s", "aa", "run1", HERE)
    (ledger.folder / "s.json").write_text("{")
    assert ledger.run_of_model("s", "aa", HERE) is None
    ledger.remember_model("s", "aa", "run2", HERE)
    assert ledger.run_of_model("s", "aa", HERE) == "run2"


def test_the_digest_of_a_folder_tells_names_and_contents(tmp_path: Path) -> None:
    def make(name: str, files: dict[str, bytes]) -> str:
        for path, content in files.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return folder_digest(tmp_path / name)

    base = make("base", {"a": b"1", "d/b": b"2"})
    assert make("equal", {"d/b": b"2", "a": b"1"}) == base
    assert make("content", {"a": b"1", "d/b": b"3"}) != base
    assert make("name", {"a": b"1", "d/c": b"2"}) != base
    assert make("swapped", {"a": b"2", "d/b": b"1"}) != base
