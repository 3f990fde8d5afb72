"""A wrong params.yaml stops every run, whole or partial, before it removes or runs anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long
MANY = pytest.mark.exhaustive

RUNS = {
    "dvc": ("dvc", "repro"),
    "dvc train": ("dvc", "repro", "train@colorunet"),
    "dvc report": ("dvc", "repro", "report"),
    "dvc forced": ("dvc", "repro", "--force"),
    "snakemake": ("snakemake", "--cores", "2"),
    "snakemake train": ("snakemake", "--cores", "2", "--forcerun", "train_colorunet"),
}
# What is done to params.yaml, and a part of the line that must answer. The code's own last word on
# networks comes from the job of the stage; everything else Snakemake says at its start.
WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "beside": (
        lambda text: text.replace("  colorunet:\n", "  ../precious:\n"),
        "systems.../precious is '../precious'; allowed: text matching",
    ),
    "outside": (
        lambda text: text.replace("  colorunet:\n", "  ../../outside:\n"),
        "systems.../../outside is '../../outside'; allowed: text matching",
    ),
    "shell": (
        lambda text: text.replace("  yuv32:\n", '  "a; touch X":\n'),
        "quantizers.a; touch X is 'a; touch X'; allowed: text matching",
    ),
    "type": (
        lambda text: text.replace("steps: 6", "steps: many"),
        "systems.colorunet.steps is 'many'; allowed: a whole number",
    ),
    "quantizer": (
        lambda text: text.replace("quantizer: yuv32", "quantizer: yuv23"),
        "systems.colorunet.quantizer: 'yuv23' is not a quantizer; allowed: lab313, yuv32",
    ),
    "scoring": (
        lambda text: text.replace("prior: lab313", "prior: lab131"),
        "evaluate.prior: 'lab131' is not a quantizer; allowed: lab313, yuv32",
    ),
    "preset": (
        lambda text: text.replace("preset: colorunet", "preset: ../../precious"),
        "systems.colorunet.preset: '../../precious' is not a preset; allowed: ",
    ),
    "network": (
        lambda text: text.replace("width: 4", "widht: 4"),
        "systems.colorunet.network.widht: no such key; allowed here: ",
    ),
}
# Every mistake by one engine, every run with one mistake, and those that would remove most with a
# path outside the project. All runs ask the same code, so that the other pairs show nothing more.
TRIED = [
    *((wrong, "dvc") for wrong in WRONG),
    *((wrong, "snakemake") for wrong in ("beside", "quantizer", "network")),
    *(("quantizer", "dvc train"), ("scoring", "dvc report"), ("type", "dvc forced")),
    *(("network", "snakemake train"), ("outside", "dvc forced")),
]
# Every kind of run with one place, and every place by one run.
PLACES = [
    *(("dvc", "data/raw/mine"), ("snakemake", "data/raw/mine"), ("bare", "data/raw/mine")),
    *(("bare", "data/raw"), ("bare", "data"), ("dvc", "."), ("snakemake", "models/mine")),
]


def _files(root: Path) -> dict[str, bytes]:
    """Every file beside and in the project, but for what engines and tests keep for themselves."""
    own = {".dvc", ".git", ".huescape", ".snakemake", "logs", "__pycache__", "params.yaml"}
    paths = (path for path in root.parent.rglob("*") if path.is_file())
    named = {path.relative_to(root.parent): path for path in paths}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in named.items()
        if not own.intersection(name.parts)
    }


@pytest.mark.parametrize(("wrong", "run"), TRIED)
def test_nothing_is_removed_or_run(project: Any, wrong: str, run: str) -> None:
    edit, words = WRONG[wrong]
    for name in ("precious", "../outside"):
        shutil.copytree(project.root / "models/colorunet", project.root / name)
    path = project.root / "params.yaml"
    text = path.read_text()
    assert edit(text) != text
    path.write_text(edit(text))
    before = _files(project.root)
    assert "project/precious/system.json" in before
    targets_gone = wrong in ("beside", "outside") and "train" in run
    assert project.run(*RUNS[run], check=False) != 0
    assert set(project.ran()) <= {"check"}
    assert _files(project.root) == before
    assert "Traceback" not in project.output.split("RuleException")[0]
    if not targets_gone:  # DVC itself says that there is no such stage
        assert words in project.output


@pytest.mark.parametrize("engine", ["dvc", pytest.param("snakemake", marks=MANY)])
def test_after_the_mistake_is_mended_there_is_nothing_to_do(project: Any, engine: str) -> None:
    text = (project.root / "params.yaml").read_text()
    project.set("systems.colorunet.network.widht", 4)
    assert project.engine(engine, check=False) == ["check"]
    (project.root / "params.yaml").write_text(text)
    assert project.engine(engine) in ([], ["check"])
    assert project.engine("dvc") == []
    assert project.engine("snakemake") == []


@pytest.mark.parametrize(("run", "place"), PLACES)
def test_photos_in_an_output_stay(project: Any, run: str, place: str) -> None:
    shutil.copytree(project.root / "data/raw/sample", project.root / "data/raw/mine/beach")
    shutil.copytree(project.root / "data/raw/sample", project.root / "models/mine/beach")
    project.set("download.sources", [{"kind": "folder", "root": place}])
    before = _files(project.root)
    command = RUNS.get(run, ("python", "-m", "huescape", "download"))
    assert project.run(*command, check=False) != 0
    assert f"params.yaml: download.sources.0.root is '{place}', which lies in or above" in (
        project.output
    )
    assert _files(project.root) == before


@pytest.mark.parametrize(
    "run", ["dvc", "bare", *(pytest.param(run, marks=MANY) for run in ("snakemake", "single"))]
)
def test_photos_that_nobody_named_stay_as_well(project: Any, run: str) -> None:
    """In `data/raw` by mistake, with sources that are somewhere else."""
    shutil.copytree(project.root / "data/raw/sample", project.root / "data/raw/mine")
    params = project.root / "params.yaml"
    text = params.read_text()
    project.set("download.sources", [{"kind": "sample", "photos": 40, "seed": 4}])
    before = _files(project.root)
    bare, single = ("python", "-m", "huescape", "download"), ("dvc", "repro", "-s", "download")
    command = {**RUNS, "bare": bare, "single": single}[run]
    assert project.run(*command, check=False) != 0
    assert "was not written by the stage download, which makes data/raw anew" in project.output
    after = _files(project.root)
    for files in (before, after):
        files.pop("project/dvc.lock")  # the stage check has passed
    assert after == before
    shutil.rmtree(project.root / "data/raw/mine")
    params.write_text(text)
    assert set(project.engine("dvc")) <= {"check"}
    assert project.engine("snakemake") == []


def test_a_single_stage_by_itself_checks_first(project: Any) -> None:
    """`-s` passes over the stage `check`; DVC then removes the outputs of that stage alone."""
    text = (project.root / "params.yaml").read_text()
    project.set("systems.colorunet.steps", "many")
    assert project.run("dvc", "repro", "-s", "train@colorunet", check=False) != 0
    assert "systems.colorunet.steps is 'many'" in project.output
    assert (project.root / "data/resized/index.json").is_file()
    (project.root / "params.yaml").write_text(text)
    project.engine("dvc")
    assert (project.root / "models/colorunet/system.json").is_file()
