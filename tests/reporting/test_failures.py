"""Which systems' figures the page has: all of the best one, few of the others."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from huescape.reporting.failures import failures
from huescape.reporting.groups import grouped
from huescape.reporting.inputs import FIGURES


def test_the_best_trained_system_comes_first_and_the_page_stays_small(
    make, quantizers, tmp_path: Path
) -> None:
    figures = {stem: tmp_path / f"{stem}.png" for stem in FIGURES}
    for path in figures.values():
        Image.new("RGB", (8, 6)).save(path)
    made = [make(f"net{k}", {"auc_macro": 0.5 + 0.01 * k}, batch=k + 1) for k in range(12)]
    shipped = make("shipped", {"auc_macro": 0.9}, {"release": {"photos": {}}}, batch=99)
    for one in (*made, shipped):
        object.__setattr__(one, "figures", figures)
    found = failures(
        grouped([*made, shipped], quantizers), lambda result: {}, tmp_path / "index.html"
    )
    assert found.name == "net11"
    assert [figure.title for figure in found.figures] == [*FIGURES]
    assert [name for name, _ in found.others] == [f"net{k}" for k in range(8)]
    assert all([f.title for f in own] == ["hue", "distribution"] for _, own in found.others)
    assert found.left_out == 4
    assert len(found.pictures) == 5 + 8 * 2
