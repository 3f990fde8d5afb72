"""dvc.yaml as the project has it: resolved, complete, and true to the imports of the code."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from huescape.base.closure import code_of
from huescape.base.errors import HuescapeError
from huescape.engines.graph import Graph, Stage, judge, load_graph
from huescape.losses import LOSSES
from huescape.networks import NETWORKS
from huescape.params.load import Params, schema
from huescape.params.systems import SystemParams
from huescape.tools import deps

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src"
# DVC leaves keys of these names, at any depth, out of what its run cache compares.
OVERLOOKED = {"size", "nfiles"}


def _code_deps(stage: str) -> set[Path]:
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        deps = next(s for s in repo.index.stages if s.name == stage).deps
        return {ROOT / dep.def_path for dep in deps if dep.def_path.startswith("src/")}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_graph(ROOT)


def test_the_ten_stages(graph: Graph) -> None:
    groups = list(dict.fromkeys(stage.group for stage in graph.stages.values()))
    assert groups == [
        *("check", "download", "filter", "resize", "bins", "encode", "prior", "train"),
        *("evaluate", "report"),
    ]
    assert graph.stages["train@colorunet"].upstream == (
        *("bins@yuv32", "check", "encode@yuv32", "prior@yuv32"),
    )


def test_the_dependencies_are_the_code_of_the_stages() -> None:
    """As `huescape deps` writes them."""
    text = (ROOT / "dvc.yaml").read_text()
    assert deps.rewritten(text) == text


def test_check_looks_again_when_any_preset_changes() -> None:
    assert PACKAGE / "huescape/presets" in _code_deps("check")


@pytest.mark.parametrize("stage", sorted(load_graph(ROOT).stages))
def test_dvc_sees_all_the_code_of_a_stage(stage: str) -> None:
    """A change of any line that it can run, and that can change its outputs, makes it stale."""
    declared = _code_deps(stage)
    group = load_graph(ROOT).stages[stage].group
    code = {PACKAGE / "huescape" / at for at in code_of(group)}
    assert code
    assert {at for at in code if not declared & {at, *at.parents}} == set()


def test_no_parameter_is_overlooked_by_the_run_cache() -> None:
    """DVC leaves keys called `size` and `nfiles` out of the digest of a whole section."""
    from dvc.repo import Repo

    def keys(value: object) -> set[str]:
        if not isinstance(value, dict):
            return set()
        return set(value) | {key for inner in value.values() for key in keys(inner)}

    with Repo(str(ROOT)) as repo:
        params = [
            dep for stage in repo.index.stages for dep in stage.deps if hasattr(dep, "params")
        ]
        for dep in params:
            for value in dep.read_params().values():
                assert not keys(value) & OVERLOOKED


def _schema_keys(at: Any, schema: dict[str, Any], seen: frozenset[str] = frozenset()) -> set[str]:
    """Every key that a value of this JSON schema can have, at any depth."""
    if isinstance(at, list):
        return {key for inner in at for key in _schema_keys(inner, schema, seen)}
    if not isinstance(at, dict):
        return set()
    if "$ref" in at:
        name = at["$ref"].rsplit("/", 1)[1]
        return set() if name in seen else _schema_keys(schema["$defs"][name], schema, seen | {name})
    found = set(at.get("properties", {}))
    inner = [*at.get("properties", {}).values(), *at.get("patternProperties", {}).values()]
    inner += [at.get(key) for key in ("items", "prefixItems", "anyOf", "oneOf", "allOf")]
    return found | _schema_keys([*inner, at.get("additionalProperties")], schema, seen)


def _schema_at(dotted: str, schema: dict[str, Any]) -> Any:
    """The schema of a parameter that dvc.yaml names: `quantizers.${key}.bins`."""
    at: Any = schema
    for key in dotted.split("."):
        if "$ref" in at:
            at = schema["$defs"][at["$ref"].rsplit("/", 1)[1]]
        if key == "${key}":
            at = next(iter(at["patternProperties"].values()))
        else:
            at = at["properties"][key]
    return at


def test_no_key_that_params_can_have_is_overlooked_by_the_run_cache() -> None:
    """Not only today's values: every key of every section that a stage depends on as a whole."""
    stages = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]
    named = {name for stage in stages.values() for name in stage.get("do", stage).get("params", ())}
    assert {"download", "evaluate", "systems.${key}", "quantizers.${key}.encode"} <= named
    schema = Params.model_json_schema()
    for name in sorted(named):
        keys = _schema_keys(_schema_at(name, schema), schema)
        assert not keys & OVERLOOKED, name
    # What the schema shows as any section: the preset's, and options of networks and losses.
    system = SystemParams.model_json_schema()
    keys = _schema_keys(system, system)
    for registry in (NETWORKS, LOSSES):
        keys |= {key for name in registry.names() for key in registry.model(name).model_fields}
    assert {"alpha", "side", "gamma", "class_share", "teacher", "milestones", "width"} <= keys
    assert not keys & OVERLOOKED


def test_the_run_cache_overlooks_just_these_keys() -> None:
    """Should DVC mend it, the rule can go; should it overlook more, the rule must grow."""
    from dvc.stage.cache import _get_cache_hash

    def digest(**keys: object) -> str:
        return str(_get_cache_hash({"params": {"params.yaml": {"section": keys}}}))

    system = SystemParams.model_json_schema()
    known = _schema_keys(schema(), schema()) | _schema_keys(system, system) | OVERLOOKED
    overlooked = {key for key in known if digest(**{key: 1}) == digest(**{key: 2})}
    assert overlooked == OVERLOOKED


def test_tracked_files_lie_in_the_outputs(graph: Graph) -> None:
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        outs = {s.name: [out.def_path for out in s.outs] for s in repo.index.stages}
    for stage in graph.stages.values():
        for file in stage.track:
            assert any(file == out or file.startswith(f"{out}/") for out in outs[stage.name])


def test_outputs_are_ignored_by_git_or_tracked_by_it(graph: Graph) -> None:
    tracked = [file for stage in graph.stages.values() for file in stage.track]
    ignored = subprocess.run(
        ["git", "check-ignore", *tracked], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    scores = {f"reports/evaluation/{name}.json" for name in ("colorunet", "landscape")}
    assert set(tracked) - set(ignored) == scores


def test_a_shipped_model_is_scored_without_a_training(graph: Graph) -> None:
    stage = graph.stages["evaluate_released@landscape"]
    assert stage.cmd == "sh workflow/run evaluate landscape"
    assert stage.upstream == ("bins@lab313", "prior@lab313", "resize")
    assert stage.name in graph.stages["report"].upstream
    assert PACKAGE / "huescape/released/landscape" in _code_deps(stage.name)
    assert PACKAGE / "huescape/released" in _code_deps("check") & _code_deps("report")


def _asked_for(tmp_path: Path) -> Path:
    """A project in which all is asked for that must be."""
    text = (ROOT / "params.yaml").read_text()
    entries = {"perceived": "colorunet", "perceived_released": "landscape", "neighbors": "test"}
    for section, name in entries.items():
        assert f"\n{section}: {{}}\n" in text
        text = text.replace(f"\n{section}: {{}}\n", f"\n{section}: {{{name}: {{}}}}\n")
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    return tmp_path


def test_what_must_be_asked_for(tmp_path: Path, graph: Graph) -> None:
    """Nothing of it is in the default graph, and nothing comes after it."""
    stages = load_graph(_asked_for(tmp_path)).stages
    more = set(stages) - set(graph.stages)
    assert more == {"perceive@colorunet", "perceive_released@landscape", "neighbors@test"}
    assert stages["perceive@colorunet"].upstream == ("filter", "resize", "train@colorunet")
    assert stages["perceive_released@landscape"].cmd == "sh workflow/run perceive landscape"
    assert stages["perceive_released@landscape"].upstream == ("filter", "resize")
    assert stages["neighbors@test"].upstream == ("filter", "resize")
    assert not any(more.intersection(stage.upstream) for stage in stages.values())
    tracked = [file for name in more for file in stages[name].track]
    assert len({*tracked}) == 3
    ignored = subprocess.run(
        ["git", "check-ignore", *tracked], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert sorted(ignored) == sorted(tracked)


def test_dvc_sees_all_the_code_of_what_must_be_asked_for(tmp_path: Path) -> None:
    from dvc.repo import Repo

    with Repo(str(_asked_for(tmp_path))) as repo:
        deps = {s.name: [Path(dep.def_path) for dep in s.deps] for s in repo.index.stages}
    for name in ("perceive@colorunet", "perceive_released@landscape", "neighbors@test"):
        declared = set(deps[name])
        code = {Path("src/huescape") / at for at in code_of(name.split("@")[0].split("_")[0])}
        assert Path("src/huescape/perception/imagenet1k.csv") in code or name == "neighbors@test"
        assert {at for at in code if not declared & {at, *at.parents}} == set()


_OPTED = {
    "probed": "{colorunet: {}}",
    "probed_released": "{landscape: {}}",
    "unseen": "{more: {source: {kind: sample}}}",
    "generalized": "{own: {system: colorunet, unseen: more}}",
    "generalized_released": "{shipped: {system: landscape, unseen: more}}",
}


@pytest.fixture
def opted(tmp_path: Path) -> Path:
    """A project in which probes and unseen sources are opted for."""
    text = (ROOT / "params.yaml").read_text()
    for section, entry in _OPTED.items():
        assert f"\n{section}: {{}}\n" in text
        text = text.replace(f"\n{section}: {{}}\n", f"\n{section}: {entry}\n")
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    return tmp_path


def test_probes_and_unseen_sources_are_opted_for(opted: Path, graph: Graph) -> None:
    """Nothing of it is in the default graph, and nothing that trains comes after it."""
    stages = load_graph(opted).stages
    more = {
        "probe@colorunet": ("filter", "resize", "train@colorunet"),
        "probe_released@landscape": ("filter", "resize"),
        "gather@more": ("filter",),
        "generalize@own": (
            *("bins@lab313", "gather@more", "prior@lab313", "resize", "train@colorunet"),
        ),
        "generalize_released@shipped": ("bins@lab313", "gather@more", "prior@lab313", "resize"),
    }
    assert set(stages) - set(graph.stages) == set(more)
    assert {name: stages[name].upstream for name in more} == more
    for name in graph.stages:
        assert stages[name].upstream == graph.stages[name].upstream
    tracked = [file for name in more for file in stages[name].track]
    ignored = subprocess.run(
        ["git", "check-ignore", *tracked], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert sorted(ignored) == sorted(tracked)


def test_dvc_sees_all_the_code_of_what_is_opted_for(opted: Path) -> None:
    from dvc.repo import Repo

    with Repo(str(opted)) as repo:
        deps = {s.name: [Path(dep.def_path) for dep in s.deps] for s in repo.index.stages}
    for name in deps.keys() - load_graph(ROOT).stages.keys():
        declared = set(deps[name])
        code = {Path("src/huescape") / at for at in code_of(name.split("@")[0].split("_")[0])}
        assert {at for at in code if not declared & {at, *at.parents}} == set()
        shipped = Path("src/huescape/released/landscape") in declared
        assert shipped == ("_released" in name)


def test_no_two_stages_have_one_rule() -> None:
    names = ("evaluate_released@x", "evaluate@released_x", "evaluate@x", "score@x", "report")
    rules = {Stage(name, "", (), (), None, "one", 0, constant=False).rule for name in names}
    assert len(rules) == len(names)


def test_tainted_is_the_stale_and_all_after_them() -> None:
    def stage(name: str, *upstream: str) -> Stage:
        return Stage(name, "", upstream, (), None, "one", 0, constant=False)

    names = {"a": (), "b": ("a",), "c": ("b",), "d": ("a",)}
    graph = Graph({name: stage(name, *upstream) for name, upstream in names.items()})
    assert graph.tainted(frozenset("b")) == {"b", "c"}
    assert graph.tainted(frozenset("a")) == {"a", "b", "c", "d"}
    assert graph.tainted(frozenset()) == frozenset()


def test_a_stage_with_a_constant_output_taints_nothing() -> None:
    graph = Graph(
        {
            "check": Stage("check", "", (), (), None, "one", 0, constant=True),
            "a": Stage("a", "", ("check",), (), None, "one", 0, constant=False),
        }
    )
    assert graph.tainted(frozenset({"check"})) == frozenset()
    assert graph.tainted(frozenset({"check", "a"})) == {"a"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("report:", "report:"),
        ("quantizer: yuv32", "quantizer: yuv23"),
        ("prior: lab313", "prior: lab131"),
        ("preset: colorunet", "preset: nosuch"),
        ("  yuv32:", "  yuv23:"),
        ("  colorunet:", "  ../precious:"),
    ],
)
def test_every_stage_comes_after_check(tmp_path: Path, old: str, new: str) -> None:
    """Also where a name is misspelled, and leads to no stage that could come before."""
    text = (ROOT / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new))
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    after = {"check"}
    for name, stage in load_graph(tmp_path).stages.items():
        assert name == "check" or after.intersection(stage.upstream), name
        after.add(name)


def test_a_system_that_starts_from_another_comes_after_it(tmp_path: Path) -> None:
    """In DVC's own graph, which both engines follow; the page comes after its scores."""
    entry = (
        "{preset: colorunet, quantizer: yuv32, initialization: {method: system, from: colorunet}}"
    )
    text = (ROOT / "params.yaml").read_text()
    assert "finetuned: {}" in text
    (tmp_path / "params.yaml").write_text(
        text.replace("finetuned: {}", f"finetuned: {{a: {entry}}}")
    )
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    graph = load_graph(tmp_path)
    assert "train@colorunet" in graph.stages["finetune@a"].upstream
    assert graph.stages["finetune@a"].cmd == "sh workflow/run train a"
    assert graph.stages["finetune@a"].track == ("models/a/system.json",)
    assert "finetune@a" in graph.stages["score@a"].upstream
    assert {"finetune@a", "score@a"} <= set(graph.stages["report"].upstream)
    assert graph.tainted(frozenset({"train@colorunet"})) >= {"finetune@a", "score@a", "report"}


@pytest.mark.parametrize("content", [None, "", "stages: {}\n"])
def test_a_graph_of_no_stages_is_one_line(tmp_path: Path, content: str | None) -> None:
    subprocess.run(["dvc", "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True)
    if content is not None:
        (tmp_path / "dvc.yaml").write_text(content)
    for ask in (load_graph, judge):
        with pytest.raises(HuescapeError, match=r"^dvc.yaml: is missing or has no stages"):
            ask(tmp_path)
