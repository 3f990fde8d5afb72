"""What systems are and cost, in words and as a table."""

from __future__ import annotations

import csv
import io

import pytest

from huescape.base.tables import table_text
from huescape.reporting import systems
from huescape.reporting.groups import grouped
from huescape.reporting.scores import score_rows
from huescape.reporting.sides import Comparisons
from huescape.reporting.wording import NONE, counted


def test_facts_and_costs_in_words(make, quantizers) -> None:
    found = systems.compared(grouped([make("net", model={"pretrained": "vgg16"})], quantizers))
    assert found.facts.rows == (
        ("net", "zhang2016", "bins", "cross entropy, rebalanced", "soft", "vgg16", "500", "16"),
    )
    assert found.costs.rows == (("net", "1,000", "900", "1.23 G", "3.7 G", "2.5 MB"),)
    assert found.cost_sizes == ("256 by 256",)
    assert found.random == ()


def test_random_weights_are_never_silent(make, quantizers) -> None:
    made = [make("mleu", model={"pretrained": None}, network={"name": "m"}), make("net")]
    found = systems.compared(grouped(made, quantizers))
    assert found.random == ("mleu",)
    assert [row[5] for row in found.facts.rows] == ["random", NONE]


def test_costs_name_the_sizes_they_were_counted_for(make, quantizers) -> None:
    """Photos of a comparison may be smaller than 256, and a network may need them padded."""
    sizes = ("128x128", "128x128", "160x160")
    made = [make(f"net{k}", {"cost": {"input": s}}, batch=k) for k, s in enumerate(sizes)]
    found = systems.compared(grouped(made, quantizers))
    assert found.cost_sizes == ("128 by 128", "160 by 160")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1 K"), (12_345, "12.3 K"), (999_700, "1 M"),
     (4.5e12, "4.5 T"), (32_230_393, "32.2 M")],
)  # fmt: skip
def test_counts_in_words(value: float, text: str) -> None:
    assert counted(value) == text


def test_the_table_has_systems_baselines_and_truth(make, quantizers) -> None:
    made = [
        make(f"net-s{seed}", {"auc": value}, preset="net", seed=seed)
        for seed, value in enumerate((0.80, 0.82, 0.87))
    ]
    groups = grouped(made, quantizers)
    text = table_text(systems.comparison_table(score_rows(groups, Comparisons()), groups), 6)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["kind"] for row in rows] == ["system", "baseline", "truth"]
    net, gray, truth = rows
    assert (net["systems"], net["seeds"]) == ("net-s0 net-s1 net-s2", "0 1 2")
    assert net["auc"] == "0.830000"
    assert float(net["auc_half_interval"]) == pytest.approx(0.089_57, abs=1e-5)
    assert (net["parameters"], net["macs_per_photo_training"]) == ("1000", "3700000000")
    assert (net["pretrained"], net["loss"]) == ("", "cross entropy, rebalanced")
    assert (gray["name"], gray["colorfulness"]) == ("gray", "0.000000")
    assert (truth["psnr"], truth["network"], truth["parameters"]) == ("", "", "")


def test_a_training_in_words(make) -> None:
    optimizer = {"name": "adam", "lr": 0.001, "milestones": [0.6, 0.85], "gamma": 0.2}
    augmentation = {"flip": True, "crop": 128, "noise": [0.0, 0.01]}
    facts = dict(
        systems.training_of(make("net", optimizer=optimizer, augmentation=augmentation, seed=3))
    )
    assert facts == {
        "preset": "net",
        "optimizer": "adam, learning rate 0.001, times 0.2 at 60 %, 85 % of the run",
        "photos": "padded",
        "augmentation": "flips, 128² crops, noise on the lightness (0, 0.01)",
        "seed": "3",
        "final training loss": "2.5",
        "target shards": "0" * 12,
    }
    augmentation |= {"mode": "single", "turn": True, "crop": None, "crop_shares": [0.7, 0.8]}
    shown = {"fit": "stretch", "side": 224}
    facts = dict(systems.training_of(make("net", augmentation=augmentation, geometry=shown)))
    assert facts["photos"] == "stretched to 224²"
    assert facts["augmentation"] == (
        "one at a time: flips, turns, crops to 0.7, 0.8 of the sides, "
        "noise on the lightness (0, 0.01)"
    )
