"""The stage report: whole or not at all, the same bytes anywhere, one line for broken inputs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from huescape.base.errors import HuescapeError
from tests.reporting.project import Inputs, Page, write_pictures, write_project

IDENTITY = ["-c", "user.name=A", "-c", "user.email=a@example.org"]


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    write_project(tmp_path)
    return Inputs(tmp_path)


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "another folder"):
        write_project(tmp_path / name)
        write_pictures(tmp_path / name, "colorunet", 0.5)
        pages.append(Inputs(tmp_path / name))
    evaluations = pages[1].root / "reports/evaluation"
    turned = [evaluations / "wide.json", evaluations / "colorunet.json"]
    assert pages[0].run() == pages[1].run(evaluations=turned) == pages[1].run()
    made = [f for f in sorted(pages[0].root.rglob("*")) if f.is_file()]
    assert any(f.name == "side-by-side-1.png" for f in made)
    for file in made:
        other = pages[1].root / file.relative_to(pages[0].root)
        assert file.suffix == ".npz" or file.read_bytes() == other.read_bytes()


def test_comparison_and_claims_are_on_the_page_and_in_tables(inputs: Inputs) -> None:
    text = " ".join(Page(inputs.run()).text.split())
    rows = inputs.table("compare.csv")
    assert [row["name"] for row in rows[:3]] == ["colorunet", "wide", "gray"]
    assert len(rows) == 8
    assert "This run: 31 test photos; 1 seed a system; 160 training steps." in text
    claims = inputs.table("claims.csv")
    assert [row["verdict"] for row in claims if row["claim"] == "4"] == ["seen once"] * 2
    others = {row["claim"]: row["verdict"] for row in claims if row["claim"] != "4"}
    assert set(others.values()) == {"not compared"}
    assert f"Not compared: {len(others)} claims" in text
    assert text.count("; needs ") == len(others) == 8
    assert list((inputs.root / "reports/side_by_side").iterdir()) == []


def test_the_same_seed_under_two_names_is_one_row(inputs: Inputs) -> None:
    inputs.change("models/wide/system.json", params={"batch": 16})
    assert "the same as wide" in Page(inputs.run()).text
    assert [row["systems"] for row in inputs.table("compare.csv")][:2] == ["colorunet", ""]


def test_broken_pictures_leave_all_as_it_was(inputs: Inputs) -> None:
    path = write_pictures(inputs.root, "colorunet", 0.9)
    inputs.run()
    others = (path, path.parent / "SHA256SUMS")  # this test makes them other files

    def kept() -> dict[Path, bytes]:
        files = (inputs.root / "reports").rglob("*")
        return {f: f.read_bytes() for f in files if f.is_file() and f not in others}

    before = kept()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(HuescapeError, match=r"pictures\.npz: is not a readable"):
        inputs.run()
    assert kept() == before


def test_the_page_is_the_same_at_any_commit_and_without_git(inputs: Inputs) -> None:
    """Else the committed dvc.lock could never hold its digest."""
    page = inputs.run()
    for number in range(2):
        (inputs.root / "note.txt").write_text(str(number))
        for command in (["init"], ["add", "-A"], [*IDENTITY, "commit", "-m", "one more"]):
            subprocess.run(
                ["git", "-C", str(inputs.root), *command], check=True, capture_output=True
            )
        assert inputs.run() == page


def shorten(path: Path) -> None:
    """One photo less in the list of photos than in their sums."""
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {"ids_N": arrays["ids_N"][1:]})


BROKEN: list[tuple[str, Callable[[Path], object], str]] = [
    ("reports/evaluation/wide/scores.json", Path.unlink, "dvc repro evaluate@wide"),
    (
        "reports/evaluation/wide/scores.json",
        lambda p: p.write_text('{"auc": '),
        "line 1: not valid JSON",
    ),
    ("reports/evaluation/wide/scores.json", lambda p: p.write_text("{}"), "no 'baselines'"),
    ("reports/evaluation/wide/curves.csv", lambda p: p.write_text("a\n1\n"), "no 'threshold'"),
    ("reports/evaluation/wide/photo_sums.npz", Path.unlink, "dvc repro evaluate@wide"),
    ("reports/evaluation/wide/photo_sums.npz", lambda p: np.savez(p, ids_N=[]), "has no array"),
    ("reports/evaluation/wide/photo_sums.npz", shorten, "do not fit together; make it again"),
    ("reports/evaluation/wide/hue_sums.npz", Path.unlink, "dvc repro evaluate@wide"),
    ("reports/evaluation/wide/photos.csv", lambda p: p.write_text("id\n1\n"), "no 'prediction'"),
    ("reports/evaluation/wide/hue.png", lambda p: p.write_bytes(b"\x89PNG"), "not a picture"),
    ("data/catalog/catalog.parquet", Path.unlink, "dvc repro filter"),
    ("reports/evaluation/wide/hue.png", lambda p: p.write_bytes(b"\x89PNG"), "not a picture"),
    ("models/wide/history.csv", lambda p: p.write_text("step,loss\n1,x\n"), "loss is 'x'"),
    ("models/wide/system.json", Path.unlink, "dvc repro train@wide"),
    ("data/catalog/summary.json", lambda p: p.write_text("[]"), "not a JSON object"),
    ("data/catalog/summary.csv", Path.unlink, "dvc repro filter"),
    ("data/raw/sources.json", lambda p: p.write_text("{}"), "not a list of sources"),
    ("data/priors/yuv32.npz", lambda p: p.write_bytes(b"nothing"), "is not a readable .npz file"),
    ("reports/figures/prior-yuv32.png", Path.unlink, "dvc repro prior@yuv32"),
]


@pytest.mark.parametrize(("name", "breaks", "says"), BROKEN)
def test_a_broken_input_is_one_line(
    inputs: Inputs, name: str, breaks: Callable[[Path], object], says: str
) -> None:
    before = inputs.run()
    breaks(inputs.root / name)
    with pytest.raises(HuescapeError) as caught:
        inputs.run()
    message = str(caught.value)
    assert name in message
    assert says in message
    assert "\n" not in message
    assert (inputs.root / "reports/index.html").read_text(encoding="utf-8") == before


def test_nothing_to_report(inputs: Inputs) -> None:
    with pytest.raises(HuescapeError, match="systems"):
        inputs.run(evaluations=[])
