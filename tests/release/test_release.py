"""A release: the same colors from half the bytes, its card, and what is refused in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from huescape.base import digests
from huescape.base.errors import HuescapeError
from huescape.metrics.bootstrap import interval, resampled
from huescape.params.decodings import Decoding
from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import read_kept
from huescape.release import precision
from huescape.release.project import read_trained, refuse_tested
from huescape.release.write import FILES
from huescape.subcommands import run
from huescape.systems.released import own_decoding
from huescape.systems.system import load_system

Refused = Callable[..., str]


@pytest.fixture
def refused(project: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Release into `out` with more options: the one line that says why not; nothing is written."""

    def refuse(*options: str) -> str:
        capsys.readouterr()
        before = sorted(project.iterdir())
        assert run(["release", "small", "-o", "out", *options]) in (1, 2)
        assert sorted(project.iterdir()) == before
        [line] = [x for x in capsys.readouterr().err.splitlines() if x.startswith("huescape: ")]
        return line

    return refuse


def test_a_release_gives_the_same_colors(project: Path) -> None:
    assert run(["release", "small", "-o", "out"]) == 0
    assert {path.name for path in Path("out").iterdir()} == FILES
    assert digests.is_sound(Path("out"))
    full, half = load_system(Path("models/small")), load_system(Path("out"))
    stored = safetensors.torch.load_file("out/weights.safetensors").values()
    assert {x.dtype for x in stored if x.is_floating_point()} == {torch.float16}
    assert {x.dtype for x in half.network.parameters()} == {torch.float32}
    lightness = torch.linspace(0, 100, 48 * 48).reshape(1, 1, 48, 48)
    pair = [system.predict_chroma(lightness, Decoding()) for system in (full, half)]
    torch.testing.assert_close(*pair, atol=0.5, rtol=0)
    assert own_decoding(Path("out")) == Decoding(temperature=0.5)
    assert own_decoding(Path("models/small")) is None


def test_equal_inputs_give_equal_bytes_and_facts(project: Path) -> None:
    for out in ("one", "two"):
        assert run(["release", "small", "-o", out, "--method", "median", "--tau", "0.2"]) == 0
    for name in FILES:
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()
    facts = json.loads(Path("one/system.json").read_text())["release"]
    assert facts["decode"] == {"method": "median", "tau": 0.2, "temperature": 1.0}
    kept = read_kept(Path("data/catalog/catalog.parquet"))
    splits = ("train", "val", "test")
    assert facts["photos"] == {
        "sample": {split: sum(row.split == split for row in kept) for split in splits}
    }
    assert facts["steps"] == {"small": 6}
    summary = json.loads(Path("data/catalog/summary.json").read_text())
    assert facts["data"]["photos_sha256"] == summary["dataset_digest"]
    assert facts["half_precision"]["mean"] <= precision.MEAN
    assert facts["half_precision"]["high"] <= precision.HIGH


def test_the_card_has_scores_with_intervals_and_what_a_person_wrote(project: Path) -> None:
    Path("notes.md").write_text(
        "## Where it fails\n\nRed roofs, *always*.\n\n## Intended use\nGray beaches.\n"
    )
    assert run(["release", "small", "-o", "out", "--notes", "notes.md"]) == 0
    card = Path("out/card.md").read_text()
    sections = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert sections == [
        *("Model details", "Intended use", "Training data", "Evaluation data", "Metrics"),
        *("Limits", "License"),
    ]
    assert "Red roofs, *always*." in card
    assert "Gray beaches." in card
    result = read_trained("small").result
    low, high = interval(resampled([(result.photos, "annealed T=0.5")])[0]["auc"])
    assert f"{result.scores['auc']:.3f} ({low:.3f} to {high:.3f})" in card
    assert "rendered by huescape; the weights are under the MIT license" in card


def test_weights_of_photos_under_other_terms_are_not_under_the_license_of_the_code(
    project: Path,
) -> None:
    path = Path("data/raw/sources.json")
    (source,) = json.loads(path.read_text())
    path.write_text(json.dumps([{**source, "kind": "folder", "licence": "for research"}]))
    digests.reseal(path)
    assert run(["release", "small", "-o", "out"]) == 0
    card = Path("out/card.md").read_text()
    assert "| for research |" in card
    assert "**That license does not cover these weights.**" in card


def test_what_is_refused(project: Path, refused: Refused) -> None:
    Path("bad.md").write_text("## Price\nlow\n")
    Path("loose.md").write_text("text\n")
    assert "--temperature is 3; allowed: above 0" in refused("--temperature", "3")
    assert "mode: small has no scores by this decoding" in refused("--method", "mode")
    assert "MB; allowed: 0.001" in refused("--max-megabytes", "0.001")
    assert "--max-megabytes is 0; allowed: above 0" in refused("--max-megabytes", "0")
    assert "--notes no.md: cannot be read" in refused("--notes", "no.md")
    assert "--notes bad.md: `## Price`; allowed: each of `## Intended" in refused(
        "--notes", "bad.md"
    )
    assert "--notes loose.md: text above the first heading" in refused("--notes", "loose.md")
    scores = Path("reports/evaluation/small/scores.json")
    scores.write_text(scores.read_text().replace('"weights_sha256": "', '"weights_sha256": "0'))
    digests.reseal(scores)
    assert "scores of other weights than models/small/weights.safetensors" in refused()


def test_nothing_is_replaced_unasked(project: Path, refused: Refused) -> None:
    Path("out").mkdir()
    Path("out/mine.txt").write_text("the user's")
    assert "out: exists; name another folder, or add --overwrite" in refused()
    assert "out: is there and no release" in refused("--overwrite")
    Path("out/mine.txt").unlink()
    for _ in range(2):
        assert run(["release", "small", "-o", "out", "--overwrite"]) == 0
    assert "which stages clear away" in refused("-o", "models/mine")


def test_other_photos_than_those_of_the_training_are_refused(
    project: Path, refused: Refused
) -> None:
    path = Path("models/small/system.json")
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "dataset_digest": "0" * 64}))
    digests.reseal(path)
    assert "was trained on other photos than data/shards/lab/index.json has" in refused()


def test_training_photos_that_are_tested_on_are_named(project: Path) -> None:
    rows = read_kept(Path("data/catalog/catalog.parquet"))
    refuse_tested(rows)
    trained = next(row for row in rows if row.split == "train")

    def check(copy: CatalogRow) -> None:
        words = rf"1 training photos are in the test set, too: {trained.id} \(as copied\); allowed"
        with pytest.raises(HuescapeError, match=words):
            refuse_tested([*rows, copy])

    same = replace(trained, id="copied", split="test")
    check(replace(same, phash=f"{int(trained.phash, 16) ^ 0xFFFFFFFF:016x}"))
    check(replace(same, sha256="0" * 64, phash=f"{int(trained.phash, 16) ^ 3:016x}"))


def test_half_precision_that_moves_colors_too_far_is_refused(
    project: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "HIGH", 0.0)
    words = r"half precision moves colors by [\d.e-]+ of ab in the mean and [\d.e-]+ at the 99.9th"
    assert re.search(words + r".*; allowed: 0.1 and 0$", refused())


def test_weights_that_half_precision_cannot_hold_are_refused() -> None:
    with pytest.raises(HuescapeError, match="a: has values that half precision cannot hold"):
        precision.halved({"a": torch.tensor([1e5])})


def test_what_is_no_number_stays_as_it_is() -> None:
    state = {"a": torch.tensor([1 / 3]), "n": torch.tensor([70_000])}
    halved = precision.halved(state)
    assert (halved["a"].dtype, halved["n"].dtype) == (torch.float16, torch.int64)
    assert halved["n"].item() == 70_000
    assert np.isclose(halved["a"].item(), 1 / 3, atol=1e-3)
