"""Work in parts: taken up again, made anew where it is damaged or another's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from huescape.perception.parts import Arrays, Rows, forget, in_parts, key_of

ROWS = np.arange(3, 43)


class Work:
    """Squares the rows; stops once it was asked for `until` parts."""

    def __init__(self, until: int = 99) -> None:
        self.until, self.asked = until, 0

    def __call__(self, rows: Rows) -> Arrays:
        if self.asked == self.until:
            raise KeyboardInterrupt
        self.asked += 1
        return {"square": rows**2, "pair": np.stack([rows, -rows], axis=1)}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def files(state: Path) -> list[Path]:
    return sorted((state / "perceive").rglob("*.npz"))


def test_goes_on_where_it_stopped(state: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        in_parts("perceive", "a", "k" * 64, ROWS, Work(until=2))
    assert len(files(state)) == 2
    rest = Work()
    found = in_parts("perceive", "a", "k" * 64, ROWS, rest)
    assert rest.asked == 1
    np.testing.assert_array_equal(found["square"], ROWS**2)
    np.testing.assert_array_equal(found["pair"], np.stack([ROWS, -ROWS], axis=1))
    forget("perceive", "a")
    assert files(state) == []


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_part_is_made_anew(state: Path, damage: bytes | None) -> None:
    in_parts("perceive", "a", "k" * 64, ROWS, Work())
    path = files(state)[1]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    again = Work()
    found = in_parts("perceive", "a", "k" * 64, ROWS, again)
    assert again.asked == 1
    np.testing.assert_array_equal(found["square"], ROWS**2)


def test_other_work_is_not_taken_over() -> None:
    in_parts("perceive", "a", "k" * 64, ROWS, Work())
    for name, key, rows in (
        ("a", "l" * 64, ROWS),
        ("b", "k" * 64, ROWS),
        ("a", "k" * 64, ROWS + 1),
    ):
        other = Work()
        found = in_parts("perceive", name, key, rows, other)
        assert other.asked == 3
        np.testing.assert_array_equal(found["square"], rows**2)


def test_forgetting_one_leaves_the_others(state: Path) -> None:
    for name in ("a", "b"):
        in_parts("perceive", name, "k" * 64, ROWS, Work())
    forget("perceive", "b")
    assert {path.parent.name for path in files(state)} == {"a-" + "k" * 16}


def test_a_key_is_of_all_facts() -> None:
    keys = {key_of("perceive", *facts) for facts in (("cpu", 1), ("cpu", 2), ("cuda", 1))}
    assert len(keys) == 3
    assert key_of("perceive", 1) != key_of("neighbors", 1)
