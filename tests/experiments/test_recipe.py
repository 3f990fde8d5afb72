"""A recipe becomes a params.yaml: seeds, anchors, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from huescape.base.errors import HuescapeError, ParamsError
from huescape.experiments.recipe import as_text, completed, photo_sources, read_recipe
from huescape.params.load import validated

ROOT = Path(__file__).parents[2]

TEXT = """
seeds: {a: 3, b_s1x: 2}
quantizers:
  one: &one {space: lab, encode: {method: hard}}
  two: {<<: *one, encode: {method: chroma}}
  lab313: *one
systems:
  a: &a {preset: p, quantizer: one, steps: 5, network: {width: 2}}
  b_s1x: {<<: *a, quantizer: two, seed: 7}
  a_small: {<<: *a}
  c: *a
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


@pytest.fixture
def recipe(tmp_path: Path) -> dict[str, Any]:
    return read_recipe(write(tmp_path, TEXT))


def test_a_seed_is_a_system(recipe: dict[str, Any]) -> None:
    systems = recipe["systems"]
    assert list(systems) == ["a", "a_s1", "a_s2", "b_s1x", "b_s1x_s1", "a_small", "c"]
    assert "seeds" not in recipe
    assert [systems[name].get("seed") for name in ("a", "a_s1", "a_s2")] == [None, 1, 2]
    assert [systems[name]["seed"] for name in ("b_s1x", "b_s1x_s1")] == [7, 8]
    assert {k: v for k, v in systems["a_s2"].items() if k != "seed"} == systems["a"]


def test_a_seed_of_a_finetuned_system_starts_from_that_seed(tmp_path: Path) -> None:
    """Of a system with as many seeds; all of them from the one that is named where it has fewer."""
    fine = "finetuned: {fine: {<<: *a, initialization: {from: a, method: system}}}\n"
    starts = {}
    for count in (3, 4):
        text = TEXT.replace("{a: 3,", f"{{a: 3, fine: {count},") + fine
        found = read_recipe(write(tmp_path, text))["finetuned"]
        starts[count] = {name: entry["initialization"]["from"] for name, entry in found.items()}
        assert [entry.get("seed", 0) for entry in found.values()] == list(range(count))
        assert all(entry["initialization"]["method"] == "system" for entry in found.values())
    assert starts[3] == {"fine": "a", "fine_s1": "a_s1", "fine_s2": "a_s2"}
    assert starts[4] == dict.fromkeys(("fine", "fine_s1", "fine_s2", "fine_s3"), "a")


def test_a_seed_of_either_section_takes_no_name_of_the_other(tmp_path: Path) -> None:
    text = TEXT + "finetuned: {a_s2: {<<: *a, initialization: {from: c}}}\n"
    with pytest.raises(ParamsError, match=r"seeds\.a: 'a_s2' is a system already"):
        read_recipe(write(tmp_path, text))


def test_merged_keys_are_there_and_the_own_ones_win(recipe: dict[str, Any]) -> None:
    assert recipe["quantizers"]["two"] == {"space": "lab", "encode": {"method": "chroma"}}
    assert recipe["systems"]["b_s1x"]["steps"] == 5
    assert recipe["systems"]["b_s1x"]["quantizer"] == "two"


def test_what_is_written_has_no_anchors_and_keeps_its_order(recipe: dict[str, Any]) -> None:
    text = as_text(recipe)
    assert not {"&", "*"} & set(text)
    written = YAML(typ="safe", pure=True).load(text)
    assert written == recipe
    assert list(written["systems"]) == list(recipe["systems"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("a: 3,", "no: 3,"), r"seeds\.no: is not a system; allowed: a, b_s1x, a_small, c"),
        (("a: 3,", "a: 0,"), r"seeds\.a is 0; allowed: 1 to 100"),
        (("a: 3,", "a: 101,"), r"seeds\.a is 101; allowed"),
        (("a: 3,", "a: yes,"), r"seeds\.a is 'yes'; allowed"),
        (("a: 3,", "a: true,"), r"seeds\.a is True; allowed"),
        (("  a_small", "  a_s2"), r"seeds\.a: 'a_s2' is a system already"),
        (("steps: 5", "seed: one"), r"systems\.a: allowed: a section with a whole `seed`"),
        (("{a: 3, b_s1x: 2}", "[a]"), r"seeds: allowed: a section"),
        (("systems:", "system:"), r"systems: is missing"),
        (("quantizers:", "\tquantizers:"), "not valid YAML"),
    ],
)
def test_a_bad_recipe_is_one_line(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    assert change[0] in TEXT
    with pytest.raises(ParamsError, match=words) as caught:
        read_recipe(write(tmp_path, TEXT.replace(*change)))
    assert "\n" not in str(caught.value)
    assert "recipe.yaml" in str(caught.value)


def test_a_seed_of_no_section_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"systems\.a: allowed"):
        read_recipe(write(tmp_path, "seeds: {a: 2}\nsystems: {a: 3}\n"))


def test_only_those_that_are_kept_are_perceived() -> None:
    path = ROOT / "experiments" / "cpu.yaml"
    recipe = read_recipe(path) | {"perceived": {"slides_ce": {}, "mleu_random_s1": {}}}
    params = validated(recipe, str(path))
    assert set(completed(recipe, params, [], path)["perceived"]) == {"slides_ce", "mleu_random_s1"}
    some = completed(recipe, params, ["mleu_random"], path)
    assert set(some["perceived"]) == {"mleu_random_s1"}
    validated(some, str(path))


def test_only_those_that_are_kept_are_probed_or_scored_elsewhere() -> None:
    path = ROOT / "experiments" / "cpu.yaml"
    names = ("slides_ce", "mleu_random_s1")
    recipe = read_recipe(path) | {
        "probed": {name: {} for name in names},
        "unseen": {"x": {"source": {"kind": "folder", "root": "data/x"}}},
        "generalized": {f"{name}_x": {"system": name, "unseen": "x"} for name in names},
    }
    params = validated(recipe, str(path))
    whole = completed(recipe, params, [], path)
    assert whole["unseen"]["x"]["source"]["root"] == str(Path("data/x").resolve())
    assert set(whole["probed"]) == set(names)
    assert set(whole["generalized"]) == {f"{name}_x" for name in names}
    some = completed(recipe, params, ["mleu_random"], path)
    assert set(some["probed"]) == {"mleu_random_s1"}
    assert set(some["generalized"]) == {"mleu_random_s1_x"}
    validated(some, str(path))


def test_only_keeps_the_seeds_and_the_quantizers() -> None:
    path = ROOT / "experiments" / "cpu.yaml"
    recipe = read_recipe(path)
    params = validated(recipe, str(path))
    every = completed(recipe, params, [], path)
    assert list(every["systems"]) == list(recipe["systems"])
    some = completed(recipe, params, ["mleu_random", "slides_ce"], path)
    seeds = ["mleu_random", *(f"mleu_random_s{k}" for k in range(1, 5))]
    assert sorted(some["systems"]) == sorted([*seeds, "slides_ce"])
    assert set(some["quantizers"]) == {"lab313", "lab313_index"}
    one = completed(recipe, params, ["colorunet_s2"], path)  # not colorunet, nor colorunet_flat
    assert list(one["systems"]) == ["colorunet_s2"]
    assert set(one["quantizers"]) == {"yuv32", "lab313"}  # and the one that scores need
    fine = completed(recipe, params, ["zhang2016_l2_finetuned"], path)  # and what it starts from
    seeds = ["", *(f"_s{k}" for k in range(1, 5))]
    assert list(fine["systems"]) == [f"zhang2016{seed}" for seed in seeds]
    assert list(fine["finetuned"]) == [f"zhang2016_l2_finetuned{seed}" for seed in seeds]
    single = completed(recipe, params, ["*_finetuned_s3"], path)
    assert list(single["systems"]) == ["zhang2016_s3"]
    assert list(single["finetuned"]) == ["zhang2016_l2_finetuned_s3"]
    assert set(fine["quantizers"]) == {"lab313", "lab_chroma4"}
    plain = completed(recipe, params, ["colorunet_plain*", "slides_c?"], path)["systems"]
    assert {name.split("_s")[0] for name in plain} == {
        *("colorunet_plain", "colorunet_plain_epochs", "slides_ce"),
    }
    with pytest.raises(ParamsError, match=r"cpu\.yaml: 'no\*' is not a system"):
        completed(recipe, params, ["no*"], path)
    with pytest.raises(ParamsError, match=r"cpu\.yaml: 'no' is not a system; allowed: colorunet, "):
        completed(recipe, params, ["no"], path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantizers": None}, "quantizers is None"),
        ({"systems": {"a": 3}}, r"systems\.a is 3"),
        ({"systems": {"a": {"preset": "zhang2016"}}}, r"systems\.a\.quantizer: is missing"),
        ({"systems": {"a": {"preset": "zhang2016", "quantizer": ["x"]}}}, r"a\.quantizer is \["),
        ({"evaluate": None}, "evaluate is None"),
    ],
)
def test_the_rest_of_a_recipe_is_checked_as_parameters_are(
    changes: dict[str, Any], words: str
) -> None:
    recipe = {**read_recipe(ROOT / "experiments" / "cpu.yaml"), **changes}
    with pytest.raises(ParamsError, match=words) as caught:
        validated(recipe, "r.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_the_published_recipes_are_valid(name: str) -> None:
    path = ROOT / "experiments" / f"{name}.yaml"
    params = validated(read_recipe(path), str(path))
    presets = {path.name for path in (ROOT / "src/huescape/presets").iterdir() if path.is_dir()}
    used = {system.preset for system in params.every_system.values()}
    left = {name for name in presets - used if not name.startswith("_")}
    # Its weights are a file that the user has; the others are not published ones.
    assert left == {"zhang2016_released", "huescape", "huescape_tuned"}


def test_what_a_recipe_leaves_out_is_written_out() -> None:
    """DVC refuses a key that dvc.yaml names and params.yaml lacks, default or not."""
    recipe = read_recipe(ROOT / "experiments" / "cpu.yaml")
    short = {key: recipe[key] for key in ("quantizers", "systems")} | {"resize": {"size": 128}}
    short["quantizers"]["lab313"] = {
        "space": "lab",
        "bins": {"rule": "gamut"},
        "encode": {"method": "soft", "stride": 4},
    }
    full = completed(short, validated(short, "r.yaml"), [], Path("r.yaml"))
    assert validated(full, "full") == validated(short, "short")
    assert {"download", "filter", "resize", "evaluate", "report"} <= set(full)
    assert full["resize"]["shards"] >= 1
    assert full["quantizers"]["lab313"]["prior"]["lambda"] == 0.5
    assert full["systems"] == short["systems"]
    again = validated(recipe, "r.yaml")
    assert validated(completed(recipe, again, [], Path("r.yaml")), "full") == again


def test_folders_of_photos_are_told_apart(tmp_path: Path) -> None:
    """SUN397's and ImageNet's by what is in them; two of a kind have names of their own."""
    for inside in ("sun/c/coast", "own/lake", "more/b/beach", "net/n09193705", "mine/deep/a"):
        (tmp_path / inside).mkdir(parents=True)
    folders = [tmp_path / name for name in ("sun", "own", "more", "net", "mine")]
    found = photo_sources(folders)
    assert [source["kind"] for source in found] == [
        *("sun397", "folder", "sun397", "imagenet", "folder"),
    ]
    assert [source["name"] for source in found] == [
        *("sun397", "folder", "sun397-2", "imagenet", "folder-2"),
    ]
    assert [source["root"] for source in found] == [str(folder) for folder in folders]
    recipe = {**read_recipe(ROOT / "experiments" / "cpu.yaml"), "download": {"sources": found}}
    completed(recipe, validated(recipe, "r.yaml"), [], Path("r.yaml"))
    with pytest.raises(HuescapeError, match="none: no such folder of photos"):
        photo_sources([tmp_path / "none"])


def test_photos_are_found_from_the_folder_of_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    recipe = read_recipe(ROOT / "experiments" / "cpu.yaml")
    own = {"kind": "folder", "root": "my/photos", "splits": "~/list.csv"}
    recipe["download"] = {"sources": [{"kind": "sample"}, own]}
    sample, found = completed(recipe, validated(recipe, "r.yaml"), [], Path("r.yaml"))["download"][
        "sources"
    ]
    assert "root" not in sample
    assert found["root"] == str(tmp_path / "my/photos")
    assert found["splits"] == str(tmp_path / "home/list.csv")


@pytest.mark.parametrize("root", [5, ["a"]])
def test_a_path_of_a_source_that_is_no_text_is_one_line(root: Any) -> None:
    recipe = read_recipe(ROOT / "experiments" / "cpu.yaml")
    recipe["download"] = {"sources": [{"kind": "folder", "root": root}]}
    with pytest.raises(
        ParamsError, match=r"^r\.yaml: download\.sources\.0\.root is .*text"
    ) as caught:
        completed(recipe, validated(recipe, "r.yaml"), [], Path("r.yaml"))
    assert "\n" not in str(caught.value)
