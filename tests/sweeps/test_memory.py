"""What a sweep remembers: finished points come back as they were written, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.sweeps.memory import Memory, base_digest

RESULTS = {"colorunet": {"auc": 0.8125, "psnr": None}}


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path))
    memory = Memory("lambda")
    memory.finish("point", RESULTS)
    return memory


def test_a_finished_point_comes_back(memory: Memory) -> None:
    assert memory.finished("point") == RESULTS
    assert memory.finished("other") is None
    memory.finish("point", {})
    assert memory.finished("point") == {}


@pytest.mark.parametrize("name", ["results.json", "SHA256SUMS"])
def test_a_point_that_has_changed_is_dropped_with_one_line(
    memory: Memory, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """At every byte but the last, the end of a line: 0.8125 must not become 0.8025."""
    path = memory.folder / "points" / "point" / name
    original = path.read_bytes()
    for place in range(len(original) - 1):
        changed = bytearray(original)
        changed[place] ^= 0x01
        path.write_bytes(changed)
        assert memory.finished("point") is None, place
        assert capsys.readouterr().err.count("damaged; the point is run again\n") == 1
        assert memory.finished("point") is None
        assert capsys.readouterr().err == ""
        memory.finish("point", RESULTS)
    assert memory.finished("point") == RESULTS


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"[", b"- a\n", b"stages:\n  download:\n    outs: [a]\n", b"stages: 1\n"],
)
def test_a_damaged_dvc_lock_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dvc.yaml").touch()
    without = base_digest(tmp_path)
    (tmp_path / "dvc.lock").write_bytes(content)
    assert base_digest(tmp_path) == without
