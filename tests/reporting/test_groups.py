"""Seeds of one system are one group, and its settings are all that can change a score."""

from __future__ import annotations

from huescape.reporting.groups import differing, distinct, flattened, grouped
from huescape.reporting.scores import score_rows
from huescape.reporting.sides import Comparisons


def test_seeds_are_one_group_named_without_them(make, quantizers) -> None:
    results = [make(f"net-s{seed}", preset="net", seed=seed) for seed in (2, 0, 1)]
    (group,) = grouped([make("other", batch=8), *results], quantizers)[1:]
    assert group.name == "net"
    assert group.seeds == (0, 1, 2)
    assert [member.name for member in group.members] == ["net-s0", "net-s1", "net-s2"]


def test_names_stay_unmistakable(make, quantizers) -> None:
    """Two groups would both be called `net`: each keeps the whole name of its first system."""
    wide = [make(f"net-{s}", preset="net", seed=s) for s in (0, 1)]
    slow = [make(f"net-{s}", preset="net", seed=s, steps=900) for s in (2, 3)]
    assert [g.name for g in grouped([*wide, *slow], quantizers)] == ["net-0", "net-2"]
    apart = [make("left", preset="net"), make("right", preset="net", seed=1)]
    assert [g.name for g in grouped(apart, quantizers)] == ["left"]
    assert [g.name for g in grouped([make("net-2")], quantizers)] == ["net-2"]


def test_the_same_seed_twice_counts_once(make, quantizers) -> None:
    (group,) = grouped([make("a", preset="p"), make("b", preset="p")], quantizers)
    assert [member.name for member in group.members] == ["a"]
    assert group.twins == ("b",)
    assert score_rows([group], Comparisons())[0].note == "the same as b"


def test_seeds_that_start_from_seeds_are_one_group(make, quantizers) -> None:
    """From seeds of one system; not from two systems whose names look as if they were seeds."""

    def fine(number: int, start: str):
        options = {"method": "system", "from": start}
        return make(f"fine_s{number}", preset="fine", seed=number, initialization=options)

    full = [make("net", preset="net"), make("net_s1", preset="net", seed=1)]
    groups = grouped([*full, fine(0, "net"), fine(1, "net_s1")], quantizers)
    assert [(group.name, group.seeds) for group in groups] == [("net", (0, 1)), ("fine", (0, 1))]
    (later,) = grouped([*full, fine(1, "net_s1")], quantizers)[1:]
    assert differing(groups[1].settings, later.settings) == []
    both = [fine(0, "net"), fine(0, "net_s1")]  # as one seed twice, from two starts: no twins
    two = grouped([*full, *both], quantizers)[1:]
    assert [(group.seeds, group.twins) for group in two] == [((0,), ()), ((0,), ())]
    other = make("net_s1", preset="net", seed=1, batch=8)
    assert len(grouped([full[0], other, fine(0, "net"), fine(1, "net_s1")], quantizers)) == 4


def test_other_photos_or_other_weights_are_another_group(make, quantizers) -> None:
    base = make("a", preset="p")
    elsewhere = make("b", {"baselines": {"gray": {"auc": 0.1}}}, preset="p", seed=1)
    trained = make("c", model={"pretrained": "vgg16"}, preset="p", seed=2)
    assert len(grouped([base, elsewhere, trained], quantizers)) == 3


def test_settings_hold_the_quantizer_and_no_labels(make, quantizers) -> None:
    (group,) = grouped([make("a", model={"pretrained": None})], quantizers)
    assert group.settings["quantizer.prior.lambda"] == 0.5
    assert group.settings["quantizer.encode.method"] == "soft"
    assert group.settings["network.pretrained"] == "none"
    assert not group.settings.keys() & {"preset", "seed", "quantizer", "checkpoint_every"}
    (unknown,) = grouped([make("a", quantizer="gone")], quantizers)
    assert unknown.settings["quantizer.name"] == "gone"


def test_quantizers_of_equal_parameters_are_equal(make, quantizers) -> None:
    both = quantizers | {"twin": quantizers["soft"]}
    one, two = grouped([make("a"), make("b", quantizer="twin")], both)
    assert differing(one.settings, two.settings) == []


def test_equal_systems_under_two_names_count_once(make, quantizers) -> None:
    thin = make("thin", batch=8)
    seeds = [make(f"two-s{s}", preset="two", seed=s) for s in (0, 1)]
    groups = grouped([make("one"), *seeds, thin], quantizers)
    assert [group.name for group in groups] == ["one", "two", "thin"]
    assert [group.name for group in distinct(groups)] == ["two", "thin"]


def test_flattening_and_differences() -> None:
    nested = {"network": {"name": "x", "options": {"width": 8}}, "noise": [0.1]}
    assert flattened(nested) == {"network.name": "x", "network.width": 8, "noise": [0.1]}
    assert differing({"a": 1, "b": None}, {"a": 1}) == ["b"]
    assert differing({"a": 1}, {"a": 2, "c": 3}) == ["a", "c"]
